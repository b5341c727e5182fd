"""Every rule of a product, as given/when/then."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from libs.common.contracts.catalog import ProductChanged, ProductCreated, ProductDeleted, ProductRestored
from libs.common.errors import Conflict, NotFound
from services.catalog.products.domain import (
    ChangeProduct,
    CreateProduct,
    DeleteProduct,
    NewProduct,
    ProductChanges,
    RestoreProduct,
    products,
)
from tests.spec import Spec

OWNER, STRANGER = UUID(int=1), UUID(int=2)
NOW = datetime(2026, 1, 18, 12, tzinfo=UTC)
UNTIL = NOW + timedelta(days=30)

spec = Spec(products)
created = ProductCreated(
    owner_id=OWNER,
    title="Mug",
    slug="mug",
    description="Holds tea",
    category="Kitchen",
    tags=["tea"],
    metadata={"sku": "M-1", "size": {"height": 9}},
)
deleted = ProductDeleted(owner_id=OWNER, restorable_until=UNTIL)
restored = ProductRestored(owner_id=OWNER)


def change(owner: UUID = OWNER, **fields: Any) -> ChangeProduct:
    return ChangeProduct(owner_id=owner, details=ProductChanges(**fields))


def changed(**changes: Any) -> ProductChanged:
    return ProductChanged(owner_id=OWNER, changes=changes)


def test_a_product_starts_as_a_draft_under_the_reserved_slug() -> None:
    details = NewProduct(title="  Mug ", slug="my-mug", description=None, tags=["tea", "tea", "cup"])
    spec.given().when(CreateProduct(owner_id=OWNER, slug="my-mug-2", details=details)).then(
        ProductCreated(owner_id=OWNER, title="Mug", slug="my-mug-2", tags=["tea", "cup"], status="draft")
    )


def test_a_product_is_created_once() -> None:
    again = CreateProduct(owner_id=OWNER, slug="mug", details=NewProduct(title="Mug"))
    spec.given(created).when(again).then_refused(Conflict, "product_exists")


def test_a_change_names_only_what_becomes_different() -> None:
    spec.given(created).when(change(title="Cup", category="Kitchen")).then(changed(title="Cup"))


def test_a_change_to_what_is_already_so_changes_nothing() -> None:
    spec.given(created).when(change(title="Mug", tags=["tea"])).then()


def test_nothing_given_changes_nothing() -> None:
    spec.given(created).when(change()).then()


def test_null_clears() -> None:
    cleared = changed(description=None, category=None, tags=[], metadata={})
    spec.given(created).when(change(description=None, category=None, tags=None, metadata=None)).then(cleared)


@pytest.mark.parametrize("field", ["title", "slug", "status"])
def test_what_every_product_has_cannot_be_cleared(field: str) -> None:
    with pytest.raises(ValidationError, match="cannot be cleared"):
        ProductChanges(**{field: None})


def test_metadata_is_merged_key_by_key() -> None:
    patch = {"sku": None, "size": {"width": 8}, "new": [1]}
    merged = {"size": {"height": 9, "width": 8}, "new": [1]}
    spec.given(created).when(change(metadata=patch)).then(changed(metadata=merged))


@pytest.mark.parametrize("status", ["draft", "active", "archived"])
def test_any_state_can_follow_any_other(status: str) -> None:
    history = [created, changed(status="active"), changed(status="archived"), changed(status="draft")]
    for length in range(1, 5):
        current = ["draft", "active", "archived", "draft"][length - 1]
        expected = [] if status == current else [changed(status=status)]
        spec.given(*history[:length]).when(change(status=status)).then(*expected)


def test_a_deleted_product_can_be_restored_for_a_while() -> None:
    spec.given(created).when(DeleteProduct(owner_id=OWNER, restorable_until=UNTIL)).then(deleted)
    last_moment = RestoreProduct(owner_id=OWNER, at=UNTIL)
    spec.given(created, deleted).when(last_moment).then(restored)


def test_after_that_it_is_too_late() -> None:
    late = RestoreProduct(owner_id=OWNER, at=UNTIL + timedelta(seconds=1))
    spec.given(created, deleted).when(late).then_refused(Conflict, "restore_expired")


def test_restoring_what_is_not_deleted_changes_nothing() -> None:
    restore = RestoreProduct(owner_id=OWNER, at=NOW)
    spec.given(created).when(restore).then()
    spec.given(created, deleted, restored).when(restore).then()


def test_a_restored_product_can_be_changed_and_deleted_again() -> None:
    spec.given(created, deleted, restored).when(change(title="Cup")).then(changed(title="Cup"))
    spec.given(created, deleted, restored).when(DeleteProduct(owner_id=OWNER, restorable_until=UNTIL)).then(
        deleted
    )


def test_a_deleted_product_is_gone_for_everything_but_restoring() -> None:
    for command in (change(title="Cup"), DeleteProduct(owner_id=OWNER, restorable_until=UNTIL)):
        spec.given(created, deleted).when(command).then_refused(NotFound, "product_not_found")


def test_for_a_stranger_there_is_no_product() -> None:
    commands = (
        change(STRANGER, title="Cup"),
        DeleteProduct(owner_id=STRANGER, restorable_until=UNTIL),
        RestoreProduct(owner_id=STRANGER, at=NOW),
    )
    for command in commands:
        spec.given(created).when(command).then_refused(NotFound, "product_not_found")
        spec.given().when(command).then_refused(NotFound, "product_not_found")


@pytest.mark.parametrize(
    "field",
    [
        {"title": ""},
        {"title": "   "},
        {"title": "x" * 256},
        {"title": "nul \x00"},
        {"title": "surrogate \ud800"},
        {"slug": "Über"},
        {"slug": "a b"},
        {"slug": "mug\n"},
        {"slug": ""},
        {"slug": "x" * 256},
        {"category": "x" * 101},
        {"description": "x" * 20_001},
        {"tags": [""]},
        {"tags": [str(n) for n in range(51)]},
        {"tags": "tea"},
        {"status": "processing"},
        {"metadata": []},
        {"metadata": {"big": 2**63}},
        {"metadata": {"big": float("inf")}},
        {"metadata": {"nul": ["\x00"]}},
        {"metadata": {"nul\x00": 1}},
        {"metadata": {"surrogate": "\ud800"}},
        {"metadata": {"long": "x" * 70_000}},
        {"colour": "red"},
    ],
    ids=str,
)
def test_details_out_of_range_are_refused(field: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ProductChanges(**field)


def test_metadata_may_be_nested_but_not_bottomless() -> None:
    nested: dict[str, Any] = {}
    for _ in range(16):
        nested = {"in": nested}
    ProductChanges(metadata=nested)
    with pytest.raises(ValidationError, match="nested deeper"):
        ProductChanges(metadata={"in": nested})


def test_a_change_that_a_newer_version_wrote_does_not_break_an_older_one() -> None:
    spec.given(created, changed(price=490)).when(change(title="Cup")).then(changed(title="Cup"))

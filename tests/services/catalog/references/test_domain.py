"""Every rule of a product's photos, as given/when/then."""

from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from libs.common.contracts.catalog import (
    ProductCreated,
    ReferenceChanged,
    ReferenceDeleted,
    ReferenceUploaded,
)
from libs.common.errors import Conflict, NotFound
from services.catalog.products.domain import products
from services.catalog.references.domain import (
    AddReferences,
    ChangeReference,
    DeleteReference,
    Photo,
    ReferenceDetails,
)
from tests.spec import Spec

OWNER, STRANGER, PRODUCT = UUID(int=1), UUID(int=2), UUID(int=3)

spec = Spec(products)
created = ProductCreated(owner_id=OWNER, title="Mug", slug="mug")


def photo(number: int) -> Photo:
    return Photo(
        reference_id=UUID(int=number),
        key=f"products/o/p/{number}.png",
        sha256="0" * 64,
        content_type="image/png",
        original_filename=f"{number}.png",
        file_size_bytes=10,
        width=1,
        height=1,
    )


def uploaded(number: int, order: int, is_primary: bool = False) -> ReferenceUploaded:
    return ReferenceUploaded(
        owner_id=OWNER,
        product_id=PRODUCT,
        **photo(number).model_dump(),
        is_primary=is_primary,
        display_order=order,
    )


def changed(number: int, **changes: Any) -> ReferenceChanged:
    return ReferenceChanged(
        owner_id=OWNER, product_id=PRODUCT, reference_id=UUID(int=number), changes=changes
    )


def deleted(number: int, heir: int | None = None) -> ReferenceDeleted:
    return ReferenceDeleted(
        owner_id=OWNER,
        product_id=PRODUCT,
        reference_id=UUID(int=number),
        new_primary_id=None if heir is None else UUID(int=heir),
    )


def add(*numbers: int, owner: UUID = OWNER) -> AddReferences:
    return AddReferences(owner_id=owner, product_id=PRODUCT, photos=tuple(photo(n) for n in numbers))


def change(number: int, **details: Any) -> ChangeReference:
    return ChangeReference(
        owner_id=OWNER,
        product_id=PRODUCT,
        reference_id=UUID(int=number),
        details=ReferenceDetails(**details),
    )


def delete(number: int) -> DeleteReference:
    return DeleteReference(owner_id=OWNER, product_id=PRODUCT, reference_id=UUID(int=number))


three = (created, uploaded(1, 0, is_primary=True), uploaded(2, 1), uploaded(3, 2))


def test_the_first_photo_is_the_primary_one() -> None:
    spec.given(created).when(add(1, 2)).then(uploaded(1, 0, is_primary=True), uploaded(2, 1))


def test_later_photos_come_after_it() -> None:
    spec.given(*three[:2], changed(1, display_order=7)).when(add(2, 3)).then(uploaded(2, 8), uploaded(3, 9))


def test_after_all_were_deleted_the_next_is_primary_again() -> None:
    spec.given(*three[:2], deleted(1)).when(add(2)).then(uploaded(2, 0, is_primary=True))


def test_a_new_primary_takes_the_place_of_the_old_one() -> None:
    spec.given(*three).when(change(2, is_primary=True)).then(
        changed(1, is_primary=False), changed(2, is_primary=True)
    )


def test_the_primary_one_cannot_step_down_by_itself() -> None:
    spec.given(*three).when(change(1, is_primary=False)).then_refused(Conflict, "primary_required")


def test_order_and_text_can_be_changed() -> None:
    spec.given(*three).when(change(3, display_order=0, alt_text=" From above ")).then(
        changed(3, display_order=0, alt_text="From above")
    )


def test_the_text_can_be_cleared() -> None:
    spec.given(*three, changed(3, alt_text="x")).when(change(3, alt_text=None)).then(
        changed(3, alt_text=None)
    )


def test_a_change_to_what_is_already_so_changes_nothing() -> None:
    spec.given(*three).when(change(1, is_primary=True, display_order=0)).then()
    spec.given(*three).when(change(2, is_primary=False)).then()


def test_deleting_the_primary_one_makes_the_next_primary() -> None:
    spec.given(*three).when(delete(1)).then(deleted(1, heir=2))
    spec.given(*three, deleted(1, heir=2)).when(delete(2)).then(deleted(2, heir=3))


def test_the_next_is_the_next_in_order() -> None:
    spec.given(*three, changed(2, display_order=5)).when(delete(1)).then(deleted(1, heir=3))


def test_deleting_another_leaves_the_primary_one() -> None:
    spec.given(*three).when(delete(3)).then(deleted(3))


def test_deleting_the_last_one_leaves_none() -> None:
    spec.given(*three[:2]).when(delete(1)).then(deleted(1))


def test_a_photo_that_is_not_there_cannot_be_changed_or_deleted() -> None:
    for command in (change(9, is_primary=True), delete(9)):
        spec.given(*three).when(command).then_refused(NotFound, "reference_not_found")
    spec.given(*three, deleted(3)).when(delete(3)).then_refused(NotFound, "reference_not_found")


def test_a_stranger_cannot_add_photos() -> None:
    spec.given(*three).when(add(4, owner=STRANGER)).then_refused(NotFound, "product_not_found")


@pytest.mark.parametrize("field", [{"display_order": -1}, {"display_order": 10_001}, {"alt_text": "x" * 501}])
def test_details_out_of_range_are_refused(field: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReferenceDetails(**field)

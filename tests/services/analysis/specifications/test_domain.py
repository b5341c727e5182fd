from typing import Any
from uuid import UUID

from libs.common.contracts.analysis import SpecificationActivated, SpecificationCreated
from libs.common.errors import NotFound
from services.analysis.specifications.domain import (
    ActivateSpecification,
    AddSpecification,
    specifications,
    stream_of,
)
from tests.spec import Spec

OWNER, PRODUCT = UUID(int=1), UUID(int=2)
FIRST, SECOND = UUID(int=11), UUID(int=12)

spec = Spec(specifications)


def facts(specification_id: UUID) -> dict[str, Any]:
    return {
        "owner_id": OWNER,
        "product_id": PRODUCT,
        "specification_id": specification_id,
        "yaml_content": "title: mug\n",
        "sha256": "5" * 64,
        "key": "products/1/2/specs/5.yaml",
        "source": "edit",
        "change_notes": "a better title",
    }


def created(specification_id: UUID, version: int) -> SpecificationCreated:
    return SpecificationCreated(**facts(specification_id), version=version)


def activated(specification_id: UUID, version: int) -> SpecificationActivated:
    return SpecificationActivated(
        owner_id=OWNER,
        product_id=PRODUCT,
        specification_id=specification_id,
        version=version,
        sha256="5" * 64,
    )


one_version = (created(FIRST, 1), activated(FIRST, 1))
two_versions = (*one_version, created(SECOND, 2), activated(SECOND, 2))


def test_the_first_specification_is_version_1_and_active() -> None:
    spec.given().when(AddSpecification(**facts(FIRST))).then(*one_version)


def test_the_next_one_takes_over() -> None:
    spec.given(*one_version).when(AddSpecification(**facts(SECOND))).then(
        created(SECOND, 2), activated(SECOND, 2)
    )


def test_one_may_be_added_without_taking_over() -> None:
    spec.given(*one_version).when(AddSpecification(**facts(SECOND), activate=False)).then(created(SECOND, 2))


def test_the_first_one_is_active_whatever_was_asked() -> None:
    spec.given().when(AddSpecification(**facts(FIRST), activate=False)).then(*one_version)


def test_adding_the_same_one_again_changes_nothing() -> None:
    spec.given(*two_versions).when(AddSpecification(**facts(FIRST))).then()


def test_going_back_to_an_earlier_version() -> None:
    back = ActivateSpecification(owner_id=OWNER, specification_id=FIRST)
    spec.given(*two_versions).when(back).then(activated(FIRST, 1))
    spec.given(*two_versions, activated(FIRST, 1)).when(back).then()


def test_numbers_grow_after_going_back() -> None:
    third = UUID(int=13)
    spec.given(*two_versions, activated(FIRST, 1)).when(
        AddSpecification(**facts(third), activate=False)
    ).then(created(third, 3))


def test_what_is_unknown_or_a_strangers_cannot_be_activated() -> None:
    unknown = ActivateSpecification(owner_id=OWNER, specification_id=SECOND)
    spec.given(*one_version).when(unknown).then_refused(NotFound, "specification_not_found")
    stranger = ActivateSpecification(owner_id=UUID(int=9), specification_id=FIRST)
    spec.given(*one_version).when(stranger).then_refused(NotFound, "specification_not_found")


def test_every_product_has_one_stream_for_ever() -> None:
    assert stream_of(PRODUCT) == UUID("a1435ad1-87e1-50a3-b006-6b0bef523e01")

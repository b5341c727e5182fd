"""The photos of a product, part of its stream. Pure; the product's decider embeds these functions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, assert_never
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from libs.common.contracts.catalog import ReferenceChanged, ReferenceDeleted, ReferenceUploaded
from libs.common.errors import Conflict, NotFound
from libs.common.messages import Command
from libs.common.values import Text

AltText = Annotated[Text, StringConstraints(max_length=500)]


class Photo(BaseModel):
    """A picture that lies in the object store: its key, the SHA-256 of its bytes, its pixels as shown."""

    model_config = ConfigDict(frozen=True)
    reference_id: UUID
    key: str
    sha256: str
    content_type: str
    original_filename: str
    file_size_bytes: int
    width: int
    height: int


class ReferenceDetails(BaseModel):
    """What can be changed about a photo; what is not given stays as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    is_primary: bool = False
    display_order: Annotated[int, Field(ge=0, le=10_000)] = 0
    alt_text: AltText | None = None


class AddReferences(Command):
    owner_id: UUID
    product_id: UUID
    photos: tuple[Photo, ...]


class ChangeReference(Command):
    owner_id: UUID
    product_id: UUID
    reference_id: UUID
    details: ReferenceDetails


class DeleteReference(Command):
    owner_id: UUID
    product_id: UUID
    reference_id: UUID


ReferenceCommand = AddReferences | ChangeReference | DeleteReference
ReferenceEvent = ReferenceUploaded | ReferenceChanged | ReferenceDeleted


@dataclass(frozen=True, slots=True)
class Reference:
    photo: Photo
    is_primary: bool
    display_order: int
    alt_text: str | None = None


References = tuple[Reference, ...]
"""In the order of their upload."""


def decide(command: ReferenceCommand, references: References) -> list[ReferenceEvent]:
    """As long as there are photos, exactly one is the primary one: the first, until another is chosen."""
    match command:
        case AddReferences():
            return list(_add(command, references))
        case ChangeReference():
            return _change(command, references)
        case DeleteReference():
            return [_delete(command, references)]
    assert_never(command)


def _add(command: AddReferences, references: References) -> list[ReferenceUploaded]:
    after = max((reference.display_order for reference in references), default=-1) + 1
    return [
        ReferenceUploaded(
            owner_id=command.owner_id,
            product_id=command.product_id,
            **photo.model_dump(),
            is_primary=not references and index == 0,
            display_order=after + index,
        )
        for index, photo in enumerate(command.photos)
    ]


def _change(command: ChangeReference, references: References) -> list[ReferenceEvent]:
    reference = _find(command.reference_id, references)
    given = command.details.model_dump(exclude_unset=True)
    changes = {name: value for name, value in given.items() if value != getattr(reference, name)}
    if not changes:
        return []
    if changes.get("is_primary") is False:
        raise Conflict("one photo is the primary one: make another primary instead", code="primary_required")
    demoted = [r for r in references if r.is_primary] if "is_primary" in changes else []
    return [
        *(_changed(command, other.photo.reference_id, {"is_primary": False}) for other in demoted),
        _changed(command, command.reference_id, changes),
    ]


def _changed(command: ChangeReference, reference_id: UUID, changes: dict[str, Any]) -> ReferenceChanged:
    return ReferenceChanged(
        owner_id=command.owner_id, product_id=command.product_id, reference_id=reference_id, changes=changes
    )


def _delete(command: DeleteReference, references: References) -> ReferenceDeleted:
    reference = _find(command.reference_id, references)
    remaining = [other for other in references if other is not reference]
    heir = _shown_first(remaining).photo.reference_id if reference.is_primary and remaining else None
    return ReferenceDeleted(
        owner_id=command.owner_id,
        product_id=command.product_id,
        reference_id=command.reference_id,
        new_primary_id=heir,
    )


def _shown_first(references: Sequence[Reference]) -> Reference:
    return min(references, key=lambda reference: reference.display_order)


def _find(reference_id: UUID, references: References) -> Reference:
    for reference in references:
        if reference.photo.reference_id == reference_id:
            return reference
    raise NotFound("the product has no such reference", code="reference_not_found")


def evolve(references: References, event: ReferenceEvent) -> References:
    match event:
        case ReferenceUploaded():
            photo = Photo(**event.model_dump(include=set(Photo.model_fields)))
            return (*references, Reference(photo, event.is_primary, event.display_order))
        case ReferenceChanged():
            return tuple(_with_changes(r, event.reference_id, event.changes) for r in references)
        case ReferenceDeleted():
            kept = (r for r in references if r.photo.reference_id != event.reference_id)
            if event.new_primary_id is None:
                return tuple(kept)
            return tuple(_with_changes(r, event.new_primary_id, {"is_primary": True}) for r in kept)
    assert_never(event)


def _with_changes(reference: Reference, reference_id: UUID, changes: dict[str, Any]) -> Reference:
    if reference.photo.reference_id != reference_id:
        return reference
    known = {name: value for name, value in changes.items() if name in ReferenceDetails.model_fields}
    return replace(reference, **known)

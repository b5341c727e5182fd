"""A picture, from the moment it is made: what its owner thinks of it, whether it is in the bin. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, assert_never
from uuid import UUID

from pydantic import Field, StringConstraints

from libs.common.contracts.generation import ImageGenerated, PictureFacts
from libs.common.decider import Decider
from libs.common.errors import Conflict, NotFound
from libs.common.messages import Command, Event
from libs.common.values import Text

Rating = Annotated[int, Field(ge=0, le=5)]
Label = Annotated[Text, StringConstraints(min_length=1, max_length=100)]


class RecordImage(PictureFacts, Command):
    """A picture was made and lies in the object store."""


class AnnotateImage(Command):
    """Sets those of the fields that are given; `None` clears a rating or a label."""

    owner_id: UUID
    favourite: bool = False
    rating: Rating | None = None
    label: Label | None = None


class DeleteImage(Command):
    owner_id: UUID
    restorable_until: datetime


class RestoreImage(Command):
    owner_id: UUID
    at: datetime


class ImageAnnotated(Event):
    """What the owner thinks of it now, all of it."""

    event_name = "generation.image_annotated"
    owner_id: UUID
    favourite: bool
    rating: int | None
    label: str | None


class ImageDeleted(Event):
    """Soft: hidden until it is restored or purged."""

    event_name = "generation.image_deleted"
    owner_id: UUID
    restorable_until: datetime


class ImageRestored(Event):
    event_name = "generation.image_restored"
    owner_id: UUID


ImageCommand = RecordImage | AnnotateImage | DeleteImage | RestoreImage
ImageEvent = ImageGenerated | ImageAnnotated | ImageDeleted | ImageRestored


@dataclass(frozen=True, slots=True)
class Image:
    owner_id: UUID | None = None
    favourite: bool = False
    rating: int | None = None
    label: str | None = None
    restorable_until: datetime | None = None

    @property
    def deleted(self) -> bool:
        return self.restorable_until is not None


def decide(command: ImageCommand, image: Image) -> list[ImageEvent]:
    if isinstance(command, RecordImage):
        return [ImageGenerated.model_validate(command.model_dump())] if image.owner_id is None else []
    if command.owner_id != image.owner_id:
        raise NotFound("no such picture", code="image_not_found")
    match command:
        case AnnotateImage() if image.deleted:
            raise NotFound("the picture is deleted: restore it first", code="image_not_found")
        case AnnotateImage(owner_id=owner_id):
            before = {"favourite": image.favourite, "rating": image.rating, "label": image.label}
            after = before | command.model_dump(exclude_unset=True, exclude={"owner_id"})
            return [ImageAnnotated(owner_id=owner_id, **after)] if after != before else []
        case DeleteImage():
            return [] if image.deleted else [ImageDeleted.model_validate(command.model_dump())]
        case RestoreImage(at=at) if image.restorable_until and at > image.restorable_until:
            raise Conflict(
                f"it could be restored until {image.restorable_until.date()}", code="restore_expired"
            )
        case RestoreImage(owner_id=owner_id):
            return [ImageRestored(owner_id=owner_id)] if image.deleted else []
    assert_never(command)


def evolve(image: Image, event: ImageEvent) -> Image:
    match event:
        case ImageGenerated(owner_id=owner_id):
            return replace(image, owner_id=owner_id)
        case ImageAnnotated(favourite=favourite, rating=rating, label=label):
            return replace(image, favourite=favourite, rating=rating, label=label)
        case ImageDeleted(restorable_until=restorable_until):
            return replace(image, restorable_until=restorable_until)
        case ImageRestored():
            return replace(image, restorable_until=None)
    assert_never(event)


images: Decider[Image, ImageCommand, ImageEvent] = Decider("image", Image(), decide, evolve)

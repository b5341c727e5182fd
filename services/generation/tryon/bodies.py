"""What a client may ask of a try-on, and what it gets to see."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import File, Form, UploadFile
from pydantic import BaseModel

from libs.common.contracts.generation import Slot
from libs.common.errors import Invalid
from libs.common.http import Timestamp
from libs.providers.base import Resolution
from services.generation.images.bodies import ImageBody
from services.generation.requests.bodies import SEEDS, Links, Name, Prompt

Category = Literal["auto", "tops", "bottoms", "one-pieces"]
Status = Literal["queued", "processing", "done", "failed"]
SLOTS: dict[Category, Slot | None] = {
    "auto": None,
    "tops": "upper_body",
    "bottoms": "lower_body",
    "one-pieces": "full_body",
}
MOST_SAMPLES = 4
ESTIMATED_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Options:
    """How the pictures are to be made, whatever is tried on."""

    wish: str | None
    samples: int
    resolution: Resolution
    seed: int | None
    provider: str | None
    model: str | None
    fallback: bool
    dry_run: bool


async def options(
    prompt: Annotated[Prompt | None, Form(description="how to wear it: sleeves rolled up")] = None,
    num_samples: Annotated[int, Form(ge=1, le=MOST_SAMPLES)] = 1,
    resolution: Annotated[Resolution, Form()] = "1K",
    seed: Annotated[int | None, Form(ge=0, lt=SEEDS)] = None,
    provider: Annotated[Name | None, Form()] = None,
    model: Annotated[Name | None, Form()] = None,
    fallback: Annotated[bool, Form()] = True,
    dry_run: Annotated[bool, Form(description="only say what it would cost")] = False,
) -> Options:
    return Options(prompt, num_samples, resolution, seed, provider, model, fallback, dry_run)


async def person_photo(
    selfie: Annotated[UploadFile | None, File(description="the person; before `person_image`")] = None,
    person_image: Annotated[UploadFile | None, File(description="the person: jpeg, png or webp")] = None,
) -> UploadFile:
    photo = selfie or person_image
    if photo is None:
        raise Invalid("send the photo of a person in the field person_image", code="person_missing")
    return photo


@dataclass(frozen=True, slots=True)
class Garment:
    """A garment's photo, the `field` it came in, and where it is worn, if that is known."""

    photo: UploadFile
    field: str
    slot: Slot | None


async def one_garment(
    garment_image: Annotated[UploadFile | None, File(description="the garment: jpeg, png or webp")] = None,
    category: Annotated[Category, Form()] = "auto",
) -> list[Garment]:
    if garment_image is None:
        raise Invalid("send the photo of a garment in the field garment_image", code="garment_missing")
    return [Garment(garment_image, "garment_image", SLOTS[category])]


async def garments_by_place(
    top_image: Annotated[UploadFile | None, File(description="worn on the upper body")] = None,
    bottom_image: Annotated[UploadFile | None, File(description="worn on the lower body")] = None,
) -> list[Garment]:
    """From the innermost to the outermost: a top is worn over the waistband."""
    places: list[tuple[UploadFile | None, str, Slot]] = [
        (bottom_image, "bottom_image", "lower_body"),
        (top_image, "top_image", "upper_body"),
    ]
    given = [Garment(photo, field, slot) for photo, field, slot in places if photo]
    if not given:
        text = "send photos of garments in the fields top_image and bottom_image"
        raise Invalid(text, code="garment_missing")
    return given


class TryOnAcceptedBody(BaseModel):
    """`estimated_time` in seconds."""

    job_id: UUID
    request_id: UUID
    status: Literal["queued"]
    estimated_time: int
    links: Links


class PhotoBody(BaseModel):
    url: str
    slot: Slot | None


class TryOnImageBody(ImageBody):
    """`preview`: a placement by geometry, as who made it says; `confidence` from 0 to 1, null where none is told."""

    preview: bool
    confidence: float | None
    warnings: list[str]


class TryOnBody(BaseModel):
    """`progress` in percent; `result_url` is the first of `images`. One that was cancelled is `failed`."""

    job_id: UUID
    request_id: UUID
    kind: str
    status: Status
    progress: int
    result_url: str | None
    images: list[TryOnImageBody]
    person_url: str
    garments: list[PhotoBody]
    prompt: str
    code: str | None
    error_message: str | None
    retryable: bool | None
    failures: list[dict[str, Any]]
    provider: str | None
    model: str | None
    provider_fallback_from: str | None
    cost: float
    created_at: Timestamp
    completed_at: Timestamp | None
    links: Links


class ResultBody(BaseModel):
    job_id: UUID
    result_url: str
    result_urls: list[str]

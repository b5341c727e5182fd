"""Accepting a try-on: the photos of the person and of the garments, pinned as they were sent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import UploadFile

from libs.common.contracts.generation import PinnedPhoto
from libs.common.http.uploads import Upload, look_at
from libs.providers.directory import Choice
from libs.providers.prompts import try_on
from services.generation.requests.acceptance import planned
from services.generation.requests.domain import RequestGeneration
from services.generation.tryon.bodies import Garment, Options

NEAREST = "1:1"
"""Of no effect: what is made has the person's proportions."""


def folder_of(owner_id: UUID, request_id: UUID) -> str:
    """Where all pictures of a try-on lie."""
    return f"tryon-results/{owner_id}/{request_id}"


async def received(
    person: UploadFile, garments: Sequence[Garment], folder: str, max_bytes: int
) -> list[Upload]:
    """The person's photo, then the garments'; raises the first refusal, which names its field."""
    photos = [(person, "person_image"), *((garment.photo, garment.field) for garment in garments)]
    found = [
        await look_at([photo], folder, max_bytes, field=field, least=1, most=1) for photo, field in photos
    ]
    return [upload for [upload] in found]


def command(
    owner_id: UUID,
    request_id: UUID,
    uploads: Sequence[Upload],
    garments: Sequence[Garment],
    wanted: Options,
    choice: Choice,
    at: datetime,
) -> RequestGeneration:
    """The one that asks for the pictures."""
    worn = [garment.slot for garment in garments]
    person, *clothes = uploads
    return RequestGeneration(
        title="Try-on",
        owner_id=owner_id,
        product_id=None,
        kind="tryon" if len(worn) == 1 else "tryon_multi",
        prompt=wanted.wish or "",
        final_prompt=try_on.try_on_prompt(worn, wanted.wish),
        prompt_template=try_on.TEMPLATE,
        aspect_ratio=NEAREST,
        resolution=wanted.resolution,
        images=planned(folder_of(owner_id, request_id), wanted.samples, wanted.seed, at),
        references=[
            _pinned(person, role="person"),
            *(_pinned(photo, role="garment", slot=slot) for photo, slot in zip(clothes, worn, strict=True)),
        ],
        provider=choice.provider,
        model=choice.model,
        fallback=wanted.fallback,
        fallback_from=choice.fallback_from,
    )


def _pinned(photo: Upload, **role: Any) -> PinnedPhoto:
    return PinnedPhoto.model_validate({"reference_id": photo.id, **photo.facts(), **role})

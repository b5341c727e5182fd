"""From a picture back to the photos it rests on. What this service does not hold it asks of those who do."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from libs.common.bus import Bus
from libs.common.database import Reader
from libs.common.errors import NotFound
from libs.common.http import Timestamp
from libs.common.service import Service
from services.generation.images import gallery
from services.generation.requests import generation_requests

_PINNED = ("specification_id", "version", "sha256", "yaml_content")


class ImageFacts(BaseModel):
    id: UUID
    s3_key: str
    sha256: str
    content_type: str
    file_size_bytes: int
    width: int
    height: int
    generation_index: int
    seed: int
    kind: str
    parent_image_id: UUID | None
    created_at: Timestamp


class RequestFacts(BaseModel):
    request_id: UUID
    product_id: UUID | None
    project_id: UUID | None
    prompt: str
    custom_prompt_override: str | None
    final_prompt: str
    prompt_template: str
    aspect_ratio: str
    resolution: str
    rerun_of: UUID | None
    created_by: UUID
    created_at: Timestamp


class SpecificationFacts(BaseModel):
    """As it was pinned. `unchanged`: analysis still has that very text; `origin` is what it tells of it."""

    specification_id: UUID
    version: int
    sha256: str
    unchanged: bool
    origin: dict[str, Any]


class ParentFacts(BaseModel):
    """The picture that this one was changed from; `in_bin` tells of one that was deleted since."""

    image_id: UUID
    s3_key: str
    sha256: str
    content_type: str
    in_bin: bool


class ReferenceFacts(BaseModel):
    """A photo as it was pinned, and what it shows; `upload` is what catalog tells of it, null once it is deleted."""

    reference_id: UUID
    s3_key: str
    sha256: str
    role: str
    slot: str | None
    upload: dict[str, Any] | None


class Provenance(BaseModel):
    """`call`: who made it, and the provider's record: tokens, cost in US dollars, latency, warnings."""

    image: ImageFacts
    call: dict[str, Any]
    request: RequestFacts
    specification: SpecificationFacts | None
    parent: ParentFacts | None
    references: list[ReferenceFacts]


async def trace(service: Service[Any], image_id: UUID, owner_id: UUID) -> Provenance:
    """Raises NotFound, and Unavailable while catalog or analysis does not answer."""
    image = await service.db.fetchrow(gallery.find(id=image_id, owner=owner_id))
    asked_for = generation_requests.find(id=image["request_id"], owner=owner_id) if image else None
    request = await service.db.fetchrow(asked_for) if asked_for else None
    if image is None or request is None:
        raise NotFound("no such picture", code="image_not_found")
    uploads, specification = await asyncio.gather(
        _uploads(service.bus, image), _specification(service.bus, image)
    )
    return Provenance(
        image=ImageFacts.model_validate({**image, "id": image_id, "s3_key": image["key"]}),
        call=image["call"]
        | {
            "provider": image["provider"],
            "model": image["model"],
            "provider_fallback_from": image["fallback_from"],
        },
        request=RequestFacts.model_validate(
            {**request, "project_id": image["project_id"], "created_by": request["owner_id"]}
        ),
        specification=specification,
        parent=await _parent(service.db, image),
        references=[_reference(photo, uploads) for photo in request["references"]],
    )


async def _uploads(bus: Bus, image: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What catalog knows of the product's photos, by id; of a brand's pictures it knows nothing."""
    if image["product_id"] is None:
        return {}
    question = {"product_id": str(image["product_id"]), "owner_id": str(image["owner_id"])}
    product = await bus.ask("catalog", "product", question)
    return {photo["reference_id"]: photo for photo in product["references"]}


async def _parent(db: Reader, image: Mapping[str, Any]) -> ParentFacts | None:
    if image["parent_image_id"] is None:
        return None
    row = await db.fetchrow(gallery.find_even_deleted(id=image["parent_image_id"], owner=image["owner_id"]))
    return ParentFacts.model_validate(dict(row)) if row else None


def _reference(pinned: dict[str, Any], uploads: Mapping[str, dict[str, Any]]) -> ReferenceFacts:
    return ReferenceFacts(
        reference_id=pinned["reference_id"],
        s3_key=pinned["key"],
        sha256=pinned["sha256"],
        role=pinned.get("role", "product"),
        slot=pinned.get("slot"),
        upload=uploads.get(pinned["reference_id"]),
    )


async def _specification(bus: Bus, image: Mapping[str, Any]) -> SpecificationFacts | None:
    specification_id, sha256 = image["specification_id"], image["specification_sha256"]
    if specification_id is None:
        return None
    question = {name: str(image[name]) for name in ("product_id", "owner_id", "specification_id")}
    known = await bus.ask("analysis", "specification", question)
    return SpecificationFacts(
        specification_id=specification_id,
        version=image["specification_version"],
        sha256=sha256,
        unchanged=known["sha256"] == sha256,
        origin={name: value for name, value in known.items() if name not in _PINNED},
    )

"""Pictures that are simply there, for tests of what becomes of them."""

from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from libs.common.contracts.generation import PinnedSpecification
from libs.common.event_log import Recorded
from libs.common.messages import Event, Meta
from libs.common.service import Service
from libs.refs.products import read_model as refs
from services.generation.images.domain import RecordImage, images


async def record(service: Service[Any], owner_id: UUID, product_id: UUID, **facts: Any) -> UUID:
    """A picture as a job records it; what `facts` do not say is of no importance."""
    image_id = uuid7()
    plain = {
        "owner_id": owner_id,
        "product_id": product_id,
        "request_id": uuid7(),
        "index": 1,
        "kind": "product_image",
        "key": f"products/{owner_id}/{product_id}/generated/2026/02/20260205_143022_{image_id.hex[-12:]}.png",
        "sha256": "5" * 64,
        "content_type": "image/png",
        "file_size_bytes": 1234,
        "width": 1024,
        "height": 768,
        "seed": 41,
        "prompt": "on snow",
        "aspect_ratio": "4:3",
        "resolution": "1K",
        "provider": "local",
        "model": "classical/1",
        "call": {"cost": 0.0},
    }
    async with service.transaction() as tx:
        await tx.handle(images, image_id, RecordImage.model_validate(plain | facts))
    return image_id


def specification(version: int) -> PinnedSpecification:
    return PinnedSpecification(specification_id=UUID(int=version), version=version, sha256="7" * 64)


async def hear(service: Service[Any], product_id: UUID, *events: Event) -> None:
    """Applies catalog's events about a product as the projector does."""
    for version, event in enumerate(events, 1):
        at = await service.db.pool.fetchval("SELECT now()")
        heard = Recorded(version, uuid7(), product_id, "product", version, at, event, Meta())
        for change in refs.project(heard):
            await service.db.execute(change)

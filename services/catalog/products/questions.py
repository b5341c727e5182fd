"""What other services ask the catalog, over NATS request/reply."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from libs.common.errors import NotFound
from libs.common.service import Service
from services.catalog.products.products import find

_PINNED = (
    "sha256",
    "content_type",
    "original_filename",
    "file_size_bytes",
    "width",
    "height",
    "is_primary",
    "display_order",
    "uploaded_at",
)


@asynccontextmanager
async def answering(service: Service[Any]) -> AsyncIterator[None]:
    """`product` {product_id, owner_id}: what a command that uses the product pins; NotFound for strangers."""

    async def product(question: dict[str, Any]) -> dict[str, Any]:
        asked = {name: UUID(question[name]) for name in ("product_id", "owner_id")}
        row = await service.db.fetchrow(find(**asked))
        if row is None:
            raise NotFound("no such product", code="product_not_found")
        return {
            "product_id": row["id"],
            "owner_id": row["created_by"],
            "title": row["title"],
            "slug": row["slug"],
            "status": row["status"],
            "category": row["category"],
            "version": row["version"],
            "references": [_reference(image) for image in row["images"]],
        }

    await service.bus.answer(service.name, "product", product)
    yield


def _reference(image: dict[str, Any]) -> dict[str, Any]:
    return {"reference_id": image["id"], "key": image["s3_key"]} | {name: image[name] for name in _PINNED}

"""Public events of catalog. Streams: one per product, its references included."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from libs.common.contracts import PublicEvent

ProductStatus = Literal["draft", "active", "archived"]


class ProductCreated(PublicEvent):
    event_name = "catalog.product_created"
    owner_id: UUID
    title: str
    slug: str
    description: str | None = None
    category: str | None = None
    subcategory: str | None = None
    tags: list[str] = []
    status: ProductStatus = "draft"
    metadata: dict[str, Any] = {}


class ProductChanged(PublicEvent):
    """`changes` holds the new value of every field that changed, by its name in ProductCreated."""

    event_name = "catalog.product_changed"
    owner_id: UUID
    changes: dict[str, Any]


class ProductDeleted(PublicEvent):
    """Soft: everything of the product is hidden until it is restored, or purged after `restorable_until`."""

    event_name = "catalog.product_deleted"
    owner_id: UUID
    restorable_until: datetime


class ProductRestored(PublicEvent):
    event_name = "catalog.product_restored"
    owner_id: UUID


class ReferenceUploaded(PublicEvent):
    """A photo of the product. `key` is its object, `sha256` its hash; `analyze` asks for an analysis as `job_id`."""

    event_name = "catalog.reference_uploaded"
    owner_id: UUID
    product_id: UUID
    reference_id: UUID
    key: str
    sha256: str
    content_type: str
    original_filename: str
    file_size_bytes: int
    width: int
    height: int
    is_primary: bool
    display_order: int
    analyze: bool = False
    job_id: UUID | None = None


class ReferenceChanged(PublicEvent):
    event_name = "catalog.reference_changed"
    owner_id: UUID
    product_id: UUID
    reference_id: UUID
    changes: dict[str, Any]


class ReferenceDeleted(PublicEvent):
    """`new_primary_id` is the photo that took over when the primary one was deleted."""

    event_name = "catalog.reference_deleted"
    owner_id: UUID
    product_id: UUID
    reference_id: UUID
    new_primary_id: UUID | None = None

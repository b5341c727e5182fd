"""Read model: the photos of every product."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by

from libs.common import variants
from libs.common.contracts.catalog import ReferenceChanged, ReferenceDeleted, ReferenceUploaded
from libs.common.event_log import ReadModel, Recorded
from libs.common.http.bodies import rfc3339 as as_text
from libs.common.sql import Bound, Statement
from services.catalog.references.domain import Reference
from services.catalog.tables import json_object, metadata, rfc3339

references = sa.Table(
    "product_references",
    metadata,
    sa.Column("reference_id", sa.Uuid, primary_key=True),
    sa.Column("product_id", sa.Uuid, nullable=False, index=True),
    sa.Column("owner_id", sa.Uuid, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("content_type", sa.Text, nullable=False),
    sa.Column("original_filename", sa.Text, nullable=False),
    sa.Column("file_size_bytes", sa.Integer, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("is_primary", sa.Boolean, nullable=False),
    sa.Column("display_order", sa.Integer, nullable=False),
    sa.Column("alt_text", sa.Text),
    sa.Column("uploaded_at", sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Index(
        "product_references_primary_idx", "product_id", unique=True, postgresql_where=sa.text("is_primary")
    ),
)

_MUTABLE = frozenset({"is_primary", "display_order", "alt_text"})
_INSERT = Statement(references.insert())
_DELETE = Statement(references.delete().where(references.c.reference_id == sa.bindparam("id")))


@cache
def _update(columns: frozenset[str]) -> Statement:
    values: dict[str, Any] = {name: sa.bindparam(name) for name in sorted(columns)}
    return Statement(
        references.update().where(references.c.reference_id == sa.bindparam("id")).values(values)
    )


def _set(reference_id: UUID, changes: dict[str, Any]) -> Iterable[Bound]:
    if known := _MUTABLE.intersection(changes):
        yield _update(known)(id=reference_id, **{name: changes[name] for name in known})


def project(recorded: Recorded[Any]) -> Iterable[Bound]:
    match recorded.event:
        case ReferenceUploaded() as event:
            yield _INSERT(**event.model_dump(), alt_text=None, uploaded_at=recorded.recorded_at)
        case ReferenceChanged(reference_id=reference_id, changes=changes):
            yield from _set(reference_id, changes)
        case ReferenceDeleted(reference_id=reference_id, new_primary_id=heir):
            yield _DELETE(id=reference_id)
            if heir is not None:
                yield from _set(heir, {"is_primary": True})


def images_of(product_id: sa.ColumnElement[Any]) -> sa.ScalarSelect[Any]:
    """A product's photos as answers show them, the primary one first; completed by `complete`."""
    image = json_object(
        id=references.c.reference_id,
        product_id=references.c.product_id,
        s3_key=references.c.key,
        sha256=references.c.sha256,
        content_type=references.c.content_type,
        original_filename=references.c.original_filename,
        file_size_bytes=references.c.file_size_bytes,
        width=references.c.width,
        height=references.c.height,
        is_primary=references.c.is_primary,
        display_order=references.c.display_order,
        alt_text=references.c.alt_text,
        uploaded_by=references.c.owner_id,
        uploaded_at=rfc3339(references.c.uploaded_at),
        variants=variants.keys_of(references.c.key),
    )
    order = (references.c.is_primary.desc(), references.c.display_order, references.c.uploaded_at)
    images = sa.func.jsonb_agg(aggregate_order_by(image, *order))
    none: sa.ColumnElement[Any] = sa.literal_column("'[]'::jsonb")
    return (
        sa.select(sa.func.coalesce(images, none))
        .where(references.c.product_id == product_id)
        .scalar_subquery()
    )


def image_of(product_id: UUID, owner_id: UUID, reference: Reference, uploaded_at: datetime) -> dict[str, Any]:
    """The same from the stream's state, as long as no variants are made."""
    photo = reference.photo.model_dump(exclude={"reference_id", "key"})
    return photo | {
        "id": str(reference.photo.reference_id),
        "product_id": str(product_id),
        "s3_key": reference.photo.key,
        "is_primary": reference.is_primary,
        "display_order": reference.display_order,
        "alt_text": reference.alt_text,
        "uploaded_by": str(owner_id),
        "uploaded_at": as_text(uploaded_at),
        "variants": {},
    }


def complete(images: list[dict[str, Any]], url: Callable[[str], str]) -> list[dict[str, Any]]:
    """Adds, in place, where the objects can be fetched, and the names earlier clients know some fields by."""
    for image in images:
        image["url"] = url(image["s3_key"])
        image["variants"] = {size: url(key) for size, key in image["variants"].items()}
        image["storage_path"] = image["s3_key"]
        image["mime_type"] = image["content_type"]
        image["filename"] = image["original_filename"]
        image["upload_status"] = "uploaded"
        image["created_at"] = image["uploaded_at"]
    return images


references_model = ReadModel("references", (references,), project)

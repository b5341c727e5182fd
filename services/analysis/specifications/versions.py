"""Read model: every version of every product's specification, one of them active."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from uuid import UUID

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from libs.common.contracts.analysis import SpecificationActivated, SpecificationCreated
from libs.common.database import Reader
from libs.common.errors import NotFound
from libs.common.event_log import ReadModel, Recorded
from libs.common.http import Paging
from libs.common.lists import Found, Listing, Order
from libs.common.sql import Bound, Statement
from libs.refs.products import visible
from services.analysis.tables import tables

versions = sa.Table(
    "specifications",
    tables,
    sa.Column("specification_id", sa.Uuid, primary_key=True),
    sa.Column("product_id", sa.Uuid, nullable=False),
    sa.Column("owner_id", sa.Uuid, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("stream_version", sa.Integer, nullable=False),
    sa.Column("is_active", sa.Boolean, nullable=False),
    sa.Column("yaml_content", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("template_version", sa.Text, nullable=False),
    sa.Column("confidence_overall", sa.Double),
    sa.Column("image_count", sa.Integer, nullable=False),
    sa.Column("analysis_model", sa.Text),
    sa.Column("provider", sa.Text),
    sa.Column("job_id", sa.Uuid),
    sa.Column("change_notes", sa.Text),
    sa.Column("primary_dimensions", JSONB),
    sa.Column("primary_colors", JSONB),
    sa.Column("material_type", sa.Text),
    sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
    sa.UniqueConstraint("product_id", "version"),
    sa.Index("specifications_active_idx", "product_id", unique=True, postgresql_where=sa.text("is_active")),
)


_created = Statement(versions.insert())
_deactivated = Statement(
    versions.update()
    .where(versions.c.product_id == sa.bindparam("product"), versions.c.is_active)
    .values(is_active=False, stream_version=sa.bindparam("v"))
)
_activated = Statement(
    versions.update()
    .where(versions.c.specification_id == sa.bindparam("id"))
    .values(is_active=True, stream_version=sa.bindparam("v"))
)


def _project(recorded: Recorded[Any]) -> Iterator[Bound]:
    at, stream_version = recorded.recorded_at, recorded.version
    match recorded.event:
        case SpecificationCreated() as created:
            yield _created(
                **created.model_dump(), stream_version=stream_version, is_active=False, created_at=at
            )
        case SpecificationActivated(product_id=product_id, specification_id=specification_id):
            yield _deactivated(product=product_id, v=stream_version)
            yield _activated(id=specification_id, v=stream_version)


read_model = ReadModel("specifications", (versions,), _project)

_siblings = versions.alias("siblings")
_stream_version = (
    sa.select(sa.func.max(_siblings.c.stream_version))
    .where(_siblings.c.product_id == versions.c.product_id)
    .scalar_subquery()
)
"""Every event of a product's stream touches a row of it."""
_columns = [column for column in versions.c if column.name not in ("stream_version", "is_active")]
_wanted = (versions.c.owner_id == sa.bindparam("owner_id"), visible(versions.c.product_id))
_of_product = (versions.c.product_id == sa.bindparam("product_id"), *_wanted)
_by_id = versions.c.specification_id == sa.bindparam("specification_id")
_every = sa.select(*_columns, versions.c.is_active, _stream_version.label("stream_version"))

active = Statement(_every.where(*_of_product, versions.c.is_active))
active_then = Statement(
    sa.select(*_columns, sa.true().label("is_active"), _stream_version.label("stream_version")).where(
        *_of_product, _by_id
    )
)
_one = Statement(_every.where(_by_id, *_wanted))
_one_of_product = Statement(_every.where(_by_id, *_of_product))
_numbered = Statement(_every.where(versions.c.version == sa.bindparam("version"), *_of_product))
_SHOWN = [column.name for column in versions.c if column.name not in ("stream_version", "key", "owner_id")]


async def find(
    reader: Reader, owner_id: UUID, product_id: UUID | None, reference: UUID | int
) -> asyncpg.Record:
    """By id, or by number below its product. Raises NotFound, for a stranger's as well."""
    mine: dict[str, Any] = {"owner_id": owner_id}
    row = None
    if product_id is None:
        if isinstance(reference, UUID):
            row = await reader.fetchrow(_one(specification_id=reference, **mine))
    elif isinstance(reference, UUID):
        row = await reader.fetchrow(
            _one_of_product(specification_id=reference, product_id=product_id, **mine)
        )
    else:
        row = await reader.fetchrow(_numbered(version=reference, product_id=product_id, **mine))
    if row is None:
        raise NotFound("no such specification", code="specification_not_found")
    return row


async def find_page(reader: Reader, owner_id: UUID, product_id: UUID, page: Paging) -> Found:
    """The versions of a product."""
    listing = _listing(page.descending, page.after is not None)
    return await listing.find(reader, page, int, owner_id=owner_id, product_id=product_id)


@cache
def _listing(descending: bool, continued: bool) -> Listing:
    order = Order(versions.c.version, versions.c.specification_id, descending, continued)
    return Listing(_every, versions, _of_product, order)


def present(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as answers show it, with the names by which earlier clients know some fields."""
    return {name: row[name] for name in _SHOWN} | {
        "id": row["specification_id"],
        "s3_key": row["key"],
        "created_by": row["owner_id"],
        "confidence": row["confidence_overall"],
    }

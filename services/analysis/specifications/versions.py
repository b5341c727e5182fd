"""Read model: every version of every product's specification, one of them active."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from libs.common.contracts.analysis import SpecificationActivated, SpecificationCreated
from libs.common.event_log import ReadModel, Recorded
from libs.common.sql import Bound, Statement
from services.analysis.products.refs import visible
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
_mine = (versions.c.owner_id == sa.bindparam("owner_id"), visible(versions.c.product_id))
_every = sa.select(
    *(c for c in versions.c if c.name != "stream_version"), _stream_version.label("stream_version")
)
_of_product = _every.where(versions.c.product_id == sa.bindparam("product_id"), *_mine)

by_id = Statement(_every.where(versions.c.specification_id == sa.bindparam("specification_id"), *_mine))
by_version = Statement(_of_product.where(versions.c.version == sa.bindparam("version")))
active = Statement(_of_product.where(versions.c.is_active))

"""Read model behind the brand projects: one row each; how far its logos are is told by their request."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from libs.common import variants
from libs.common.database import Reader
from libs.common.event_log import ReadModel, Recorded
from libs.common.http import Paging
from libs.common.lists import Found, Listing, Order
from libs.common.sql import Bound, Statement
from services.generation.brands.domain import BrandProjectCreated
from services.generation.images.gallery import gallery
from services.generation.requests.generation_requests import generation_requests as requests
from services.generation.tables import tables

SORTS: dict[str, Callable[[Any], Any]] = {"created_at": datetime.fromisoformat, "brand_name": str}

projects = sa.Table(
    "brand_projects",
    tables,
    sa.Column("project_id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("owner_id", sa.Uuid, nullable=False),
    sa.Column("request_id", sa.Uuid, nullable=False),
    sa.Column("brand_name", sa.Text, nullable=False),
    sa.Column("tagline", sa.Text),
    sa.Column("industry", sa.Text),
    sa.Column("brief", sa.Text, nullable=False),
    sa.Column("style", JSONB, nullable=False),
    sa.Column("colors", JSONB, nullable=False),
    sa.Column("inspiration", JSONB, nullable=False),
    sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Index(None, "owner_id", "created_at"),
)
_created = Statement(projects.insert())


def _project(recorded: Recorded[Any]) -> Iterator[Bound]:
    match recorded.event:
        case BrandProjectCreated(owner_id=owner_id, brief=brief, request_id=request_id) as event:
            yield _created(
                **brief.model_dump(),
                project_id=recorded.stream_id,
                version=recorded.version,
                owner_id=owner_id,
                request_id=request_id,
                inspiration=event.model_dump(mode="json")["inspiration"],
                created_at=recorded.recorded_at,
            )


read_model = ReadModel("brand_projects", (projects,), _project)

_of_request = [
    requests.c[name]
    for name in (
        "status",
        "done",
        "images",
        "kind",
        "code",
        "error_message",
        "retryable",
        "provider",
        "model",
        "fallback_from",
        "completed_at",
    )
]
_thumbnail = variants.key_of(gallery.c.key, 256)
_cover = (
    sa.select(sa.func.coalesce(_thumbnail, gallery.c.key))
    .where(gallery.c.project_id == projects.c.project_id, gallery.c.restorable_until.is_(None))
    .order_by(gallery.c.created_at.desc())
    .limit(sa.literal_column("1"))
    .scalar_subquery()
)
_source = projects.join(requests, requests.c.request_id == projects.c.request_id)
_view = sa.select(projects, *_of_request, _cover.label("cover_key")).select_from(_source)
_mine = projects.c.owner_id == sa.bindparam("owner")
find = Statement(_view.where(projects.c.project_id == sa.bindparam("id"), _mine))


async def find_page(db: Reader, owner_id: UUID, paging: Paging) -> Found:
    listing = _listing(paging.sort, paging.descending, paging.after is not None)
    return await listing.find(db, paging, SORTS[paging.sort], owner=owner_id)


@lru_cache
def _listing(sort: str, descending: bool, continued: bool) -> Listing:
    order = Order(projects.c[sort], projects.c.project_id, descending, continued)
    return Listing(_view, _source, [_mine], order)

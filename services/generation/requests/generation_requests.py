"""Read model behind the generation requests: one row each, with how far it has come."""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from libs.common.contracts.generation import (
    GenerationCancelled,
    GenerationCompleted,
    GenerationFailed,
    GenerationRequested,
    GenerationStarted,
    JobFinished,
    JobProgressed,
)
from libs.common.database import Reader
from libs.common.event_log import ReadModel, Recorded
from libs.common.http import Paging
from libs.common.lists import Found, Listing, Order
from libs.common.sql import Bound, Statement
from libs.refs.products import visible
from services.generation.tables import tables

generation_requests = sa.Table(
    "generation_requests",
    tables,
    sa.Column("request_id", sa.Uuid, primary_key=True),
    sa.Column("owner_id", sa.Uuid, nullable=False),
    sa.Column("product_id", sa.Uuid),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("prompt", sa.Text, nullable=False),
    sa.Column("custom_prompt_override", sa.Text),
    sa.Column("final_prompt", sa.Text, nullable=False),
    sa.Column("prompt_template", sa.Text, nullable=False),
    sa.Column("aspect_ratio", sa.Text, nullable=False),
    sa.Column("resolution", sa.Text, nullable=False),
    sa.Column("images", JSONB, nullable=False),
    sa.Column("specification", JSONB),
    sa.Column("references", JSONB, nullable=False),
    sa.Column("provider", sa.Text),
    sa.Column("model", sa.Text),
    sa.Column("fallback", sa.Boolean, nullable=False),
    sa.Column("fallback_from", sa.Text),
    sa.Column("rerun_of", sa.Uuid),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("done", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("cost", sa.Double, nullable=False),
    sa.Column("failures", JSONB, nullable=False),
    sa.Column("code", sa.Text),
    sa.Column("error_message", sa.Text),
    sa.Column("retryable", sa.Boolean),
    sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column("started_at", sa.TIMESTAMP(timezone=True)),
    sa.Column("completed_at", sa.TIMESTAMP(timezone=True)),
    sa.Index(None, "product_id", "created_at"),
    sa.Index(None, "owner_id", "created_at", postgresql_where=sa.text("product_id IS NULL")),
)


def _change(**values: Any) -> Statement:
    return Statement(
        generation_requests.update()
        .where(generation_requests.c.request_id == sa.bindparam("id"))
        .values(**values)
    )


def _over(status: str, **values: Any) -> Statement:
    return _change(status=status, completed_at=sa.bindparam("at"), **values)


_requested = Statement(generation_requests.insert())
_started = _change(
    status="processing",
    attempts=sa.bindparam("attempt"),
    started_at=sa.func.coalesce(generation_requests.c.started_at, sa.bindparam("at")),
)
_progressed = _change(done=sa.bindparam("n"), cost=generation_requests.c.cost + sa.bindparam("more"))
_spent = _change(cost=generation_requests.c.cost + sa.bindparam("more"))
_completed = _over("completed", failures=sa.bindparam("failed"))
_failed = _over(
    "failed",
    code=sa.bindparam("why"),
    error_message=sa.bindparam("detail"),
    retryable=sa.bindparam("again"),
    failures=sa.bindparam("failed"),
)
_cancelled = _over("cancelled", code="cancelled", error_message="cancelled by its owner")
_WAITING = {
    "status": "queued",
    "done": 0,
    "attempts": 0,
    "cost": 0.0,
    "failures": [],
    "code": None,
    "error_message": None,
    "retryable": None,
    "started_at": None,
    "completed_at": None,
}


def _project(recorded: Recorded[Any]) -> Iterator[Bound]:
    request, at = recorded.stream_id, recorded.recorded_at
    match recorded.event:
        case GenerationRequested() as inputs:
            yield _requested(**_WAITING, **inputs.model_dump(), request_id=request, created_at=at)
        case GenerationStarted(attempt=attempt):
            yield _started(id=request, at=at, attempt=attempt)
        case JobProgressed(done=done, cost=cost):
            yield _progressed(id=request, n=done, more=cost)
        case GenerationCompleted() as completed:
            yield _completed(id=request, at=at, failed=completed.model_dump()["failures"])
        case JobFinished(cost=cost) if cost:
            yield _spent(id=request, more=cost)
        case GenerationFailed(code=code, detail=detail, retryable=retryable) as why:
            failed = why.model_dump()["failures"]
            yield _failed(id=request, at=at, why=code, detail=detail, again=retryable, failed=failed)
        case GenerationCancelled():
            yield _cancelled(id=request, at=at)


read_model = ReadModel("generation_requests", (generation_requests,), _project)

_mine = generation_requests.c.owner_id == sa.bindparam("owner")
find = Statement(
    sa.select(generation_requests).where(
        generation_requests.c.request_id == sa.bindparam("id"),
        _mine,
        visible(generation_requests.c.product_id),
    )
)


async def find_page(db: Reader, owner_id: UUID, product_id: UUID, paging: Paging) -> Found:
    """The requests of a product."""
    listing = _listing(paging.descending, paging.after is not None)
    return await listing.find(db, paging, datetime.fromisoformat, owner=owner_id, product=product_id)


@lru_cache
def _listing(descending: bool, continued: bool) -> Listing:
    columns = generation_requests.c
    of_product = columns.product_id == sa.bindparam("product")
    order = Order(columns.created_at, columns.request_id, descending, continued)
    return Listing(sa.select(generation_requests), generation_requests, [_mine, of_product], order)

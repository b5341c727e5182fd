"""Lists of jobs: filters and paging, newest first unless asked otherwise."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import asyncpg
import sqlalchemy as sa

from libs.common.database import Reader
from libs.common.errors import Invalid
from libs.common.http import Paging
from libs.common.sql import Statement
from services.analysis.jobs.activity import jobs

FILTERS = {"type": jobs.c.job_type, "status": jobs.c.status, "product_id": jobs.c.product_id}


@dataclass(frozen=True, slots=True)
class Found:
    """One page of rows, how many there are on all pages, and where a cursor goes on."""

    rows: list[asyncpg.Record]
    total: int
    next_after: list[Any] | None


async def find_page(db: Reader, owner_id: UUID, filters: dict[str, Any], page: Paging) -> Found:
    """The owner's jobs; `filters` holds those of `FILTERS` that were asked for."""
    count, select = _statements(frozenset(filters), page.descending, page.after is not None)
    wanted = {**filters, "owner_id": owner_id}
    lookahead = page.form == "cursor"
    rows = await db.fetch(
        select(**wanted, **_position(page.after), limit=page.limit + lookahead, offset=page.offset)
    )
    more = lookahead and len(rows) > page.limit
    rows = rows[: page.limit]
    next_after = [rows[-1]["created_at"].isoformat(), str(rows[-1]["job_id"])] if more else None
    return Found(rows, await db.fetchval(count(**wanted)), next_after)


@cache
def _statements(filters: frozenset[str], descending: bool, continued: bool) -> tuple[Statement, Statement]:
    """The count of all pages, and the rows of one."""
    conditions = [jobs.c.owner_id == sa.bindparam("owner_id")]
    conditions += [FILTERS[name] == sa.bindparam(name) for name in sorted(filters)]
    count = sa.select(sa.func.count()).select_from(jobs).where(*conditions)
    key = sa.tuple_(jobs.c.created_at, jobs.c.job_id)
    if continued:
        after = sa.tuple_(
            sa.bindparam("after", type_=jobs.c.created_at.type), sa.bindparam("after_id", type_=sa.Uuid)
        )
        conditions.append(key < after if descending else key > after)
    rows = (
        sa.select(jobs)
        .where(*conditions)
        .order_by(*(c.desc() if descending else c.asc() for c in (jobs.c.created_at, jobs.c.job_id)))
        .limit(sa.bindparam("limit", type_=sa.Integer))
        .offset(sa.bindparam("offset", type_=sa.Integer))
    )
    return Statement(count), Statement(rows)


def _position(after: list[Any] | None) -> dict[str, Any]:
    """The sort key in a cursor of this list."""
    if after is None:
        return {}
    try:
        created_at, job_id = after
        return {"after": datetime.fromisoformat(created_at), "after_id": UUID(job_id)}
    except (TypeError, ValueError, AttributeError) as error:
        raise Invalid("not a cursor of this list: begin with an empty one", code="invalid_cursor") from error

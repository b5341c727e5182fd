"""Lists of jobs: filters and paging, newest first unless asked otherwise."""

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from libs.common.database import Reader
from libs.common.http import Paging
from libs.common.lists import Found, Listing, Order
from services.analysis.jobs.activity import jobs

_FILTERS = {"type": jobs.c.job_type, "status": jobs.c.status, "product_id": jobs.c.product_id}


async def find_page(db: Reader, owner_id: UUID, filters: dict[str, Any], page: Paging) -> Found:
    """The owner's jobs; `filters` holds those of `_FILTERS` that were asked for."""
    listing = _listing(frozenset(filters), page.descending, page.after is not None)
    return await listing.find(db, page, datetime.fromisoformat, **filters, owner_id=owner_id)


@cache
def _listing(filters: frozenset[str], descending: bool, continued: bool) -> Listing:
    conditions = [
        jobs.c.owner_id == sa.bindparam("owner_id"),
        *(_FILTERS[name] == sa.bindparam(name) for name in sorted(filters)),
    ]
    return Listing(
        sa.select(jobs), jobs, conditions, Order(jobs.c.created_at, jobs.c.job_id, descending, continued)
    )

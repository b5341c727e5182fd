"""A person's try-ons among all generation requests."""

from datetime import datetime
from functools import lru_cache
from uuid import UUID

import sqlalchemy as sa

from libs.common.database import Reader
from libs.common.http import Paging
from libs.common.lists import Found, Listing, Order
from libs.common.sql import Statement
from services.generation.requests.domain import TRY_ONS
from services.generation.requests.generation_requests import generation_requests as requests

_mine = [
    requests.c.owner_id == sa.bindparam("owner"),
    requests.c.kind.in_([sa.literal_column(f"'{kind}'") for kind in TRY_ONS]),
    requests.c.product_id.is_(None),  # as the index says
]
find = Statement(sa.select(requests).where(requests.c.request_id == sa.bindparam("id"), *_mine))


async def find_page(db: Reader, owner_id: UUID, states: list[str] | None, paging: Paging) -> Found:
    """Those in one of the `states`, or all."""
    listing = _listing(states is not None, paging.descending, paging.after is not None)
    chosen = {} if states is None else {"states": states}
    return await listing.find(db, paging, datetime.fromisoformat, owner=owner_id, **chosen)


@lru_cache
def _listing(chosen: bool, descending: bool, continued: bool) -> Listing:
    in_state = requests.c.status == sa.any_(sa.bindparam("states", type_=sa.ARRAY(sa.Text)))
    order = Order(requests.c.created_at, requests.c.request_id, descending, continued)
    return Listing(sa.select(requests), requests, [*_mine, in_state] if chosen else _mine, order)

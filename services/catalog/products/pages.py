"""Lists of products: filters, search, sorting and paging."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY

from libs.common.database import Reader
from libs.common.http import Paging
from libs.common.lists import Found, Listing, Order
from services.catalog.products.products import VIEW, products, shown_status

SORTS = {
    "created_at": products.c.created_at,
    "updated_at": products.c.updated_at,
    "title": products.c.title,
    "name": products.c.title,
}

_FILTERS = {
    "category": products.c.category == sa.bindparam("category"),
    "status": shown_status == sa.bindparam("status"),
    "tags": products.c.tags.contains(sa.bindparam("tags")),
    "search": products.c.words.bool_op("@@")(sa.cast(sa.cast(sa.bindparam("search"), sa.Text), TSQUERY)),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """What tells one list from another; the statements of each are compiled once."""

    filters: frozenset[str]
    deleted: bool
    sort: str
    descending: bool
    continued: bool


async def find_page(
    db: Reader, owner_id: UUID, filters: dict[str, Any], paging: Paging, *, deleted: bool = False
) -> Found:
    """The owner's products; `filters` holds those of `_FILTERS` that were asked for."""
    shape = Shape(frozenset(filters), deleted, paging.sort, paging.descending, paging.after is not None)
    read_key = datetime.fromisoformat if SORTS[paging.sort].type.python_type is datetime else str
    return await _listing(shape).find(db, paging, read_key, **filters, owner_id=owner_id)


def as_query(search: str) -> str:
    """Every word of the search, or its beginning, must occur; in any order."""
    words = re.findall(r"[^\W_]+", search.lower())
    return " & ".join(f"'{word}':*" for word in words)


@lru_cache(maxsize=256)
def _listing(shape: Shape) -> Listing:
    owned = products.c.owner_id == sa.bindparam("owner_id")
    kept = products.c.deleted_at.is_not(None) if shape.deleted else products.c.deleted_at.is_(None)
    conditions = [owned, kept, *(_FILTERS[name] for name in sorted(shape.filters))]
    order = Order(SORTS[shape.sort], products.c.product_id, shape.descending, shape.continued)
    return Listing(VIEW, products, conditions, order)

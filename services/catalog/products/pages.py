"""Lists of products: filters, search, sorting and paging, in one statement whose total counts all pages."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY

from libs.common.database import Reader
from libs.common.errors import Invalid
from libs.common.http.paging import Paging
from libs.common.sql import Statement
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
    """What tells one list statement from another; each is compiled once."""

    filters: frozenset[str]
    deleted: bool
    sort: str
    descending: bool
    continued: bool


@dataclass(frozen=True, slots=True)
class Found:
    """One page of rows, how many there are on all pages, and where a cursor goes on."""

    rows: list[dict[str, Any]]
    total: int
    next_after: list[Any] | None


async def find_page(
    db: Reader, owner_id: UUID, filters: dict[str, Any], paging: Paging, *, deleted: bool = False
) -> Found:
    """The owner's products; `filters` holds those of `_FILTERS` that were asked for."""
    shape = Shape(frozenset(filters), deleted, paging.sort, paging.descending, paging.after is not None)
    lookahead = paging.form == "cursor"
    records = await db.fetch(
        _statement(shape)(
            **filters,
            **(_position(paging.after, paging.sort) if paging.after is not None else {}),
            owner_id=owner_id,
            offset=paging.offset,
            limit=paging.limit + lookahead,
        )
    )
    total = records[0]["total"]
    rows = [dict(record) for record in records if record["id"] is not None]
    next_after = None
    if lookahead and len(rows) > paging.limit:
        rows.pop()
        next_after = [rows[-1]["position"], rows[-1]["id"]]
    for row in rows:
        del row["total"], row["position"]
    return Found(rows, total, next_after)


def as_query(search: str) -> str:
    """Every word of the search, or its beginning, must occur; in any order."""
    words = re.findall(r"[^\W_]+", search.lower())
    return " & ".join(f"'{word}':*" for word in words)


def _position(after: list[Any], sort: str) -> dict[str, Any]:
    """The sort key in a cursor of this list."""
    try:
        value, product_id = after
        if SORTS[sort].type.python_type is datetime:
            value = datetime.fromisoformat(value)
        return {"after": value, "after_id": UUID(product_id)}
    except (TypeError, ValueError, AttributeError) as error:
        raise Invalid("not a cursor of this list: begin with an empty one", code="invalid_cursor") from error


@lru_cache(maxsize=256)
def _statement(shape: Shape) -> Statement:
    """One row at least: `total` is there even when the page is empty."""
    owned = products.c.owner_id == sa.bindparam("owner_id")
    kept = products.c.deleted_at.is_not(None) if shape.deleted else products.c.deleted_at.is_(None)
    conditions = [owned, kept, *(_FILTERS[name] for name in sorted(shape.filters))]
    total = sa.select(sa.func.count().label("total")).select_from(products).where(*conditions).subquery()

    key = SORTS[shape.sort]
    if shape.continued:
        after = sa.tuple_(sa.bindparam("after", type_=key.type), sa.bindparam("after_id", type_=sa.Uuid))
        here = sa.tuple_(key, products.c.product_id)
        conditions.append(here < after if shape.descending else here > after)
    order = [_directed(column, shape) for column in (key, products.c.product_id)]
    wanted = (
        sa.select(products.c.product_id, key.label("position"))
        .where(*conditions)
        .order_by(*order)
        .limit(sa.bindparam("limit", type_=sa.Integer))
        .offset(sa.bindparam("offset", type_=sa.Integer))
        .subquery()
    )
    joined = total.outerjoin(wanted, sa.true()).outerjoin(
        products, products.c.product_id == wanted.c.product_id
    )
    return Statement(
        VIEW.add_columns(total.c.total, wanted.c.position)
        .select_from(joined)
        .order_by(*(_directed(column, shape) for column in (wanted.c.position, wanted.c.product_id)))
    )


def _directed(column: sa.ColumnElement[Any], shape: Shape) -> sa.ColumnElement[Any]:
    return column.desc() if shape.descending else column.asc()

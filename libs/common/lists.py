"""Lists in one statement: a page of rows, and how many there are on all pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import sqlalchemy as sa

from libs.common.database import Reader
from libs.common.errors import Invalid
from libs.common.http import Paging
from libs.common.sql import Statement


@dataclass(frozen=True, slots=True)
class Order:
    """By `key`, then by `id`; `continued` after the place that a cursor names."""

    key: sa.ColumnElement[Any]
    id: sa.ColumnElement[UUID]
    descending: bool
    continued: bool


@dataclass(frozen=True, slots=True)
class Found:
    """One page, how many rows there are on all pages, and where a cursor goes on."""

    rows: list[dict[str, Any]]
    total: int
    next_after: list[Any] | None


class Listing:
    """A list's statements, compiled once: the page, and the count alone for a page that is empty."""

    def __init__(
        self,
        view: sa.Select[Any],
        source: sa.FromClause,
        conditions: Sequence[sa.ColumnElement[bool]],
        order: Order,
    ) -> None:
        count = sa.select(sa.func.count()).select_from(source).where(*conditions)
        here = (order.key, order.id)
        page = (
            view.add_columns(
                count.scalar_subquery().label("of_all"), order.key.label("by_key"), order.id.label("by_id")
            )
            .select_from(source)
            .where(*conditions)
            .order_by(*(column.desc() if order.descending else column.asc() for column in here))
            .limit(sa.bindparam("limit", type_=sa.Integer))
            .offset(sa.bindparam("offset", type_=sa.Integer))
        )
        if order.continued:
            after = sa.tuple_(
                sa.bindparam("after", type_=order.key.type), sa.bindparam("after_id", type_=sa.Uuid)
            )
            page = page.where(sa.tuple_(*here) < after if order.descending else sa.tuple_(*here) > after)
        self._page, self._count = Statement(page), Statement(count)

    async def find(self, db: Reader, paging: Paging, read_key: Callable[[Any], Any], **values: Any) -> Found:
        """`read_key` turns a sort key back from JSON; raises Invalid for a cursor of another list."""
        lookahead = paging.form == "cursor"
        after = {} if paging.after is None else _after(paging.after, read_key)
        limit = paging.limit + lookahead
        rows = await db.fetch(self._page(**values, **after, limit=limit, offset=paging.offset))
        total = rows[0]["of_all"] if rows else await db.fetchval(self._count(**values))
        next_after = None
        if lookahead and len(rows) > paging.limit:
            rows.pop()
            next_after = [rows[-1]["by_key"], str(rows[-1]["by_id"])]
        return Found([_row(record) for record in rows], total, next_after)


def _row(record: asyncpg.Record) -> dict[str, Any]:
    """Without what is there for the paging."""
    return {name: value for name, value in record.items() if name not in ("of_all", "by_key", "by_id")}


def _after(after: list[Any], read_key: Callable[[Any], Any]) -> dict[str, Any]:
    try:
        key, last_id = after
        return {"after": read_key(key), "after_id": UUID(last_id)}
    except (TypeError, ValueError, AttributeError) as error:
        raise Invalid("not a cursor of this list: begin with an empty one", code="invalid_cursor") from error

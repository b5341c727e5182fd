"""The list as it was at a moment: the same query, over rows that the streams tell instead of the read model's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.dialects import postgresql

from libs.common.database import Reader
from libs.common.event_log import COLUMNS
from libs.common.service import Service
from libs.common.sql import Bound
from services.catalog.products.analyses import running_analyses
from services.catalog.products.history import as_it_was
from services.catalog.products.products import WORDS, products

_STORED = [column for column in products.c if column.computed is None]
_TYPES = ", ".join(f"{c.name} {c.type.compile(dialect=postgresql.dialect())}" for c in _STORED)  # type: ignore[no-untyped-call]
# Names of a WITH come before those of tables. What was being analysed then is not known.
_WITH = (
    f"WITH products AS (SELECT past.*, {WORDS} AS words FROM jsonb_to_recordset(${{}}::jsonb) AS past({_TYPES})), "  # noqa: S608
    f"{running_analyses.name} AS (SELECT NULL::uuid AS product_id WHERE false) "
)
_EVENTS = (
    f"SELECT {COLUMNS} FROM events WHERE stream_id IN (SELECT product_id FROM products WHERE owner_id = $1) "  # noqa: S608
    "ORDER BY stream_id, version"
)

Rows = Mapping[str, dict[str, Any]]
"""By product id, as `as_it_was` gives them."""


async def rows_of(service: Service[Any], owner_id: UUID, as_of: datetime) -> Rows:
    """The owner's products that were there at that time."""
    async with service.db.pool.acquire() as con:
        events = await service.log.decode_all(con, service.keys, await con.fetch(_EVENTS, owner_id))
    streams = groupby(events, key=lambda recorded: recorded.stream_id)
    found = [as_it_was(list(history), as_of) for _, history in streams]
    return {row["id"]: row for row in found if row}


@dataclass(frozen=True, slots=True)
class Past:
    """Answers queries on `products` out of `rows`."""

    db: Reader
    rows: Rows

    async def fetch(self, bound: Bound) -> list[asyncpg.Record]:
        return await self.db.fetch(self._instead(bound))

    async def fetchrow(self, bound: Bound) -> asyncpg.Record | None:
        return await self.db.fetchrow(self._instead(bound))

    async def fetchval(self, bound: Bound) -> Any:
        return await self.db.fetchval(self._instead(bound))

    async def execute(self, bound: Bound) -> str:
        raise TypeError("the past is only read")

    def _instead(self, bound: Bound) -> Bound:
        given: Sequence[dict[str, Any]] = [
            {**row, "product_id": row["id"], "owner_id": row["created_by"]} for row in self.rows.values()
        ]
        return Bound(_WITH.format(len(bound.args) + 1) + bound.sql, (*bound.args, given))

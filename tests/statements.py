"""Counts what a request asks of PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg

from libs.common.telemetry import current_span


@asynccontextmanager
async def statements(pool: asyncpg.Pool) -> AsyncIterator[list[str]]:
    """The statements that requests run on the pool inside the block, `BEGIN` and `COMMIT` included.

    Not those of the process itself, which looks every two seconds for accounts that are refused.
    """
    seen: list[str] = []

    def note(query: Any) -> None:
        if current_span():
            seen.append(query.query)

    async with AsyncExitStack() as held:
        connections = [await held.enter_async_context(pool.acquire()) for _ in range(pool.get_max_size())]
        for connection in connections:
            connection.add_query_logger(note)
    yield seen
    async with AsyncExitStack() as held:
        for _ in range(pool.get_max_size()):
            (await held.enter_async_context(pool.acquire())).remove_query_logger(note)

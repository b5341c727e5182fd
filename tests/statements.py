"""Counts what a request asks of PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg


@asynccontextmanager
async def statements(pool: asyncpg.Pool) -> AsyncIterator[list[str]]:
    """The statements that the pool's connections run inside the block, `BEGIN` and `COMMIT` included."""
    seen: list[str] = []

    def note(query: Any) -> None:
        seen.append(query.query)

    async with AsyncExitStack() as held:
        connections = [await held.enter_async_context(pool.acquire()) for _ in range(pool.get_max_size())]
        for connection in connections:
            connection.add_query_logger(note)
    yield seen
    async with AsyncExitStack() as held:
        for _ in range(pool.get_max_size()):
            (await held.enter_async_context(pool.acquire())).remove_query_logger(note)

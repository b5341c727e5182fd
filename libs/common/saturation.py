"""How full a process is: its event loop and its database connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from prometheus_client import Gauge, Histogram

from libs.common.database import Database
from libs.common.resilience import end

EVERY_SECONDS = 0.5

LOOP_LAG = Histogram(
    "vitrine_event_loop_lag_seconds",
    "How much later than asked for the event loop came back to a waiting task",
    buckets=(0.002, 0.01, 0.05, 0.25, 1, 5),
)
BUSY = Gauge("vitrine_database_connections_busy", "Connections of the process' pool that are in use")
MOST = Gauge("vitrine_database_connections_max", "Connections the process' pool may have")


@asynccontextmanager
async def measuring(db: Database) -> AsyncIterator[None]:
    """Twice a second, while open."""
    MOST.set(db.pool.get_max_size())
    task = asyncio.create_task(_measure(db.pool))
    try:
        yield
    finally:
        await end([task])


async def _measure(pool: asyncpg.Pool) -> None:
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + EVERY_SECONDS
        await asyncio.sleep(EVERY_SECONDS)
        LOOP_LAG.observe(max(0.0, clock() - due))
        BUSY.set(pool.get_size() - pool.get_idle_size())

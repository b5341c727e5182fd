"""Appends that commit out of order, or never: the tail loses none and keeps the order."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import pytest
from uuid_utils.compat import uuid4, uuid7

from libs.common.database import connect
from libs.common.event_log import Tail
from libs.common.messages import Meta
from tests.libs.common.counters import OWNER, SCHEMA, Added, Counters, log
from tests.libs.common.waiting import eventually

Rows = list[asyncpg.Record]


@dataclass
class Seen:
    """What a reader was handed out, in its order."""

    rows: list[tuple[int, UUID, int]] = field(default_factory=list)

    def add(self, rows: Rows) -> None:
        self.rows += [(row["pos"], row["stream_id"], row["version"]) for row in rows]

    @property
    def out_of_order(self) -> int:
        """Events that did not follow their predecessor in their stream."""
        last: dict[UUID, int] = {}
        breaks = 0
        for _, stream_id, version in self.rows:
            breaks += version != last.get(stream_id, 0) + 1
            last[stream_id] = version
        return breaks


async def slow_writer(scratch: Counters, until: float) -> None:
    """Draws its xid early at times, commits late at times, rolls one in ten back."""
    stream, version = uuid7(), 0
    while time.monotonic() < until:
        tx = scratch.begin()
        con = await tx.connection()
        if random.random() < 0.3:
            await con.execute("INSERT INTO inbox VALUES ('early', $1)", uuid4())
            await asyncio.sleep(random.random() * 0.01)
        events = [Added(owner_id=OWNER, amount=1)] * random.choice([1, 1, 3])
        recorded = await log.append(con, scratch.keys, "counter", stream, version, events, Meta())
        await asyncio.sleep(random.random() ** 3 * 0.03)
        if random.random() < 0.1:
            await tx.rollback()
        else:
            await tx.commit()
            version = recorded[-1].version


async def fast_writer(scratch: Counters, until: float) -> None:
    """Appends in transactions as short as they can be."""
    while time.monotonic() < until:
        async with scratch.db.pool.acquire() as con:
            await log.append(
                con, scratch.keys, "counter", uuid7(), 0, [Added(owner_id=OWNER, amount=1)], Meta()
            )


async def reader(url: str, seen: Seen, read: Callable[[asyncpg.Connection], Awaitable[Rows]]) -> None:
    con = await connect(url, SCHEMA)
    try:
        while True:
            seen.add(await read(con))
            await asyncio.sleep(0.002)
    finally:
        con.terminate()


class Checkpoint:
    """The plausible reader: everything behind the last position it saw."""

    def __init__(self) -> None:
        self.pos = 0

    async def read(self, con: asyncpg.Connection) -> Rows:
        query = "SELECT pos, stream_id, version FROM events WHERE pos > $1 ORDER BY pos LIMIT 500"
        rows: Rows = await con.fetch(query, self.pos)
        if rows:
            self.pos = rows[-1]["pos"]
        return rows


@pytest.mark.parametrize(
    ("seconds", "writers"),
    [
        (2, [slow_writer] * 8),
        (2, [slow_writer] * 4 + [fast_writer] * 4),
        pytest.param(10, [slow_writer] * 9, marks=pytest.mark.faults),
        pytest.param(10, [fast_writer] * 9, marks=pytest.mark.faults),
        pytest.param(10, [slow_writer] * 4 + [fast_writer] * 5, marks=pytest.mark.faults),
    ],
)
async def test_the_tail_loses_nothing(
    scratch: Counters,
    scratch_url: str,
    seconds: float,
    writers: list[Callable[[Counters, float], Awaitable[None]]],
) -> None:
    tail, checkpoint = Seen(), Seen()
    reading = [
        asyncio.create_task(reader(scratch_url, tail, Tail(0).read)),
        asyncio.create_task(reader(scratch_url, checkpoint, Checkpoint().read)),
    ]
    until = time.monotonic() + seconds
    await asyncio.gather(*(writer(scratch, until) for writer in writers))
    logged = [row["pos"] for row in await scratch.db.pool.fetch("SELECT pos FROM events ORDER BY pos")]

    async def complete() -> bool:
        return len(tail.rows) >= len(logged)

    await eventually(complete)
    for task in reading:
        task.cancel()
    await asyncio.wait(reading)
    assert [pos for pos, _, _ in tail.rows] == logged
    assert tail.out_of_order == 0
    if slow_writer in writers:
        assert len(checkpoint.rows) < len(logged), "the race did not happen"

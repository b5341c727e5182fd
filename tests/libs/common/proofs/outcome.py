"""What must be true in the end: every consumer has had every event once, in the log's order."""

import asyncio
import random
from contextlib import suppress
from typing import Any

from nats.js.errors import NotFoundError

from libs.common.cloudevents import place_of
from libs.common.resilience import AWAY, Interrupted
from libs.common.service import Service
from libs.common.stream_reader import reading
from tests.libs.common.accounts import Switch, accounts, register

STREAM = "ev_auth"
_ROWS = "SELECT account_id, active, changes, version FROM {} ORDER BY account_id"


async def write(service: Service[Any], stop: asyncio.Event, pause: float = 0.004) -> None:
    """Accounts that come and change, one transaction in twenty rolled back, some of them slow."""
    while not stop.is_set():
        account = await register(service)
        for _ in range(6):
            async with service.transaction() as tx:
                await tx.handle(accounts, account, Switch(times=random.choice([1, 1, 4])))
                await asyncio.sleep(random.random() ** 4 * 0.05)
                if random.random() < 0.05:
                    await tx.rollback()
            await asyncio.sleep(pause)


async def published(service: Service[Any]) -> list[int]:
    """The positions of the stream's messages, in its order; read anew if a server goes away meanwhile."""
    while True:
        with suppress(Interrupted, *AWAY):
            return await _read(service)


async def _read(service: Service[Any]) -> list[int]:
    last = (await service.bus.js.stream_info(STREAM)).state.last_seq
    found: list[int] = []
    if last:
        async with reading(service.bus, STREAM) as reader:
            while len(found) < last:
                found += [place_of(message.data).pos for message in await reader.batch()]
    return found


async def logged(service: Service[Any]) -> list[int]:
    return [row["pos"] for row in await service.db.pool.fetch("SELECT pos FROM events ORDER BY pos")]


async def stream_length(service: Service[Any]) -> int:
    try:
        return (await service.bus.js.stream_info(STREAM)).state.messages
    except NotFoundError:
        return 0


async def stream_is_complete(service: Service[Any]) -> bool:
    """As many messages as events; what they are is asserted when nothing changes any more."""
    return await stream_length(service) >= len(await logged(service))


async def rows_are_the_same(publisher: Service[Any], consumer: Service[Any]) -> bool:
    own = await publisher.db.pool.fetch(_ROWS.format("own_accounts"))
    return bool(own == await consumer.db.pool.fetch(_ROWS.format("listed_accounts")))


async def reactions_are_complete(publisher: Service[Any], consumer: Service[Any]) -> bool:
    """At least one effect per registered account."""
    registered = await publisher.db.pool.fetchval("SELECT count(*) FROM events WHERE version = 1")
    return bool(await consumer.db.pool.fetchval("SELECT count(*) FROM inbox") >= registered)


async def effects(consumer: Service[Any]) -> list[str]:
    """The account of every effect the reaction ever had."""
    rows = await consumer.db.pool.fetch("SELECT split_part(name, ' ', 1) AS account FROM checkpoints")
    return sorted(row["account"] for row in rows)


async def registered(publisher: Service[Any]) -> list[str]:
    rows = await publisher.db.pool.fetch("SELECT stream_id::text AS account FROM events WHERE version = 1")
    return sorted(row["account"] for row in rows)

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import nats as nats_py
import pytest
from nats.aio.client import Client
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from deploy.local.postgres import Postgres
from libs.common.contracts.auth import AccountRegistered
from libs.common.database import Transaction
from libs.common.dead_letters import DeadLetters, replay
from libs.common.errors import Conflict
from libs.common.event_log import Recorded
from libs.common.reactions import Reaction, Reactor, answer_replays, reaction
from libs.common.relay import Relay
from libs.common.service import Service
from libs.common.sql import Bound
from tests.libs.common.accounts import (
    Env,
    auth,
    catalog,
    register,
    reset_database,
    reset_streams,
    running,
)
from tests.libs.common.waiting import background, eventually


@pytest.fixture
async def publisher(postgres: Postgres, nats: str, service_env: Env) -> AsyncIterator[Service[Any]]:
    await reset_database(postgres.superuser_url)
    await reset_streams(nats)
    async with running(auth, service_env) as service, background(Relay(service).run()):
        yield service


@pytest.fixture
async def consumer(publisher: Service[Any], service_env: Env) -> AsyncIterator[Service[Any]]:
    async with running(catalog, service_env) as service:
        yield service


@pytest.fixture
async def operator(nats: str) -> AsyncIterator[Client]:
    nc = await nats_py.connect(nats)
    yield nc
    await nc.close()


def greeting(failures: int = 0, delays: tuple[float, ...] = (0.05, 0.05)) -> tuple[Reaction, list[str]]:
    """A reaction that writes a row, after failing `failures` times; and the accounts it was called for."""
    calls: list[str] = []

    @reaction(AccountRegistered, durable="catalog_greeting", delays=delays)
    async def greet(event: Recorded[AccountRegistered], tx: Transaction, service: Service[Any]) -> None:
        calls.append(event.event.userid)
        insert = "INSERT INTO listed_accounts VALUES ($1, $2, true, 0, 1)"
        await tx.execute(Bound(insert, (event.stream_id, event.event.userid)))
        if len(calls) <= failures:
            raise ValueError("not in the mood")

    return greet, calls


async def greeted(service: Service[Any]) -> list[str]:
    rows = await service.db.pool.fetch("SELECT username FROM listed_accounts ORDER BY username")
    return [row["username"] for row in rows]


async def test_an_event_has_its_effect_once(publisher: Service[Any], consumer: Service[Any]) -> None:
    greet, calls = greeting()
    async with background(Reactor(consumer, greet).run()):
        for name in ("ada", "ben"):
            await register(publisher, name)
        assert await eventually(lambda: _all(consumer, 2)) == ["ada", "ben"]
    assert calls == ["ada", "ben"]


async def test_what_fails_is_rolled_back_and_tried_again(
    publisher: Service[Any], consumer: Service[Any]
) -> None:
    greet, calls = greeting(failures=2)
    async with background(Reactor(consumer, greet).run()):
        await register(publisher, "ada")
        assert await eventually(lambda: _all(consumer, 1)) == ["ada"]
    assert calls == ["ada"] * 3


async def test_what_fails_for_good_is_put_aside_and_can_be_replayed(
    publisher: Service[Any], consumer: Service[Any]
) -> None:
    greet, _ = greeting(failures=4)
    letters = DeadLetters(consumer.bus, "catalog")
    async with background(Reactor(consumer, greet).run()):
        account = await register(publisher, "ada")
        await answer_replays(consumer, [greet])
        letter = (await eventually(letters.all))[0]
        assert (letter.durable, letter.error) == ("catalog_greeting", "ValueError('not in the mood')")
        assert await greeted(consumer) == []

        with pytest.raises(Conflict, match="not in the mood"):
            await replay(consumer.bus, "catalog", letter.seq)
        assert await replay(consumer.bus, "catalog", letter.seq) == {
            "durable": "catalog_greeting",
            "event_id": str(letter.event_id),
        }
    assert await letters.all() == []
    assert await greeted(consumer) == ["ada"]
    assert account


async def test_a_stream_published_anew_is_no_reason_to_react_again(
    publisher: Service[Any], consumer: Service[Any], operator: Client
) -> None:
    greet, calls = greeting()
    async with background(Reactor(consumer, greet).run()):
        for name in ("ada", "ben"):
            await register(publisher, name)
        await eventually(lambda: _all(consumer, 2))
        await operator.jetstream().delete_stream("ev_auth")
        await register(publisher, "cleo")
        assert await eventually(lambda: _all(consumer, 3)) == ["ada", "ben", "cleo"]
    assert calls == ["ada", "ben", "cleo"]


async def test_what_a_restored_database_has_forgotten_is_done_again(
    publisher: Service[Any], consumer: Service[Any]
) -> None:
    """Although the publisher's stream is as it was, and everything in it acknowledged."""
    greet, calls = greeting()
    async with background(Reactor(consumer, greet).run()):
        for name in ("ada", "ben"):
            await register(publisher, name)
        await eventually(lambda: _all(consumer, 2))
    await consumer.db.pool.execute(
        "DELETE FROM listed_accounts WHERE username = 'ben'; "
        "DELETE FROM inbox WHERE ctid = (SELECT max(ctid) FROM inbox WHERE consumer = 'catalog_greeting')"
    )
    async with background(Reactor(consumer, greet).run()):
        assert await eventually(lambda: _all(consumer, 2)) == ["ada", "ben"]
    assert calls == ["ada", "ben", "ben"]


async def test_what_was_put_aside_is_not_taken_for_forgotten(
    publisher: Service[Any], consumer: Service[Any]
) -> None:
    greet, calls = greeting(failures=3)
    async with background(Reactor(consumer, greet).run()):
        await register(publisher, "ada")
        await eventually(DeadLetters(consumer.bus, "catalog").all)
    async with background(Reactor(consumer, greet).run()):
        await register(publisher, "ben")
        assert await eventually(lambda: _all(consumer, 1)) == ["ben"]
    assert calls == ["ada", "ada", "ada", "ben"]


async def test_two_workers_share_the_work(publisher: Service[Any], consumer: Service[Any]) -> None:
    greet, calls = greeting()
    async with background(Reactor(consumer, greet).run()), background(Reactor(consumer, greet).run()):
        for number in range(20):
            await register(publisher, f"user{number:02}")
        await eventually(lambda: _all(consumer, 20))
    assert len(calls) == 20


async def test_of_two_deliveries_at_once_one_has_an_effect(
    publisher: Service[Any], consumer: Service[Any], operator: Client
) -> None:
    """As when a slow handler's event is delivered to another worker too."""
    started: list[str] = []
    both = asyncio.Event()

    @reaction(AccountRegistered, durable="catalog_slow")
    async def slow(event: Recorded[AccountRegistered], tx: Transaction, service: Service[Any]) -> None:
        started.append(event.event.userid)
        if len(started) == 2:
            both.set()
        await both.wait()
        await tx.execute(Bound("INSERT INTO listed_accounts VALUES (gen_random_uuid(), 'x', true, 0, 1)", ()))

    await register(publisher, "ada")
    raw = await eventually(lambda: _message(operator, 1))
    reactor = Reactor(consumer, slow)
    await asyncio.gather(*(reactor.react(raw.data, raw.headers) for _ in range(2)))
    assert await greeted(consumer) == ["x"]


async def test_a_handler_waits_without_a_connection(publisher: Service[Any], consumer: Service[Any]) -> None:
    """What it needs from elsewhere is asked for before its first statement."""
    in_use: list[int] = []

    @reaction(AccountRegistered, durable="catalog_patient")
    async def patient(event: Recorded[AccountRegistered], tx: Transaction, service: Service[Any]) -> None:
        pool = service.db.pool
        in_use.append(pool.get_size() - pool.get_idle_size())

    async def handled() -> bool:
        return bool(in_use)

    async with background(Reactor(consumer, patient).run()):
        await register(publisher, "ada")
        await eventually(handled)
    assert in_use == [0]


async def test_it_stops_when_what_is_under_way_has_ended(
    publisher: Service[Any], consumer: Service[Any]
) -> None:
    started, finish = asyncio.Event(), asyncio.Event()

    @reaction(AccountRegistered, durable="catalog_ending")
    async def ending(event: Recorded[AccountRegistered], tx: Transaction, service: Service[Any]) -> None:
        started.set()
        await finish.wait()

    async with background(Reactor(consumer, ending).run()) as task:
        await register(publisher, "ada")
        await asyncio.wait_for(started.wait(), 60)
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        finish.set()
        await asyncio.wait([task], timeout=60)
        assert task.done()
    assert await consumer.db.pool.fetchval("SELECT count(*) FROM inbox") == 1


async def _message(operator: Client, seq: int) -> RawStreamMsg | None:
    with suppress(NotFoundError):
        return await operator.jetstream().get_msg("ev_auth", seq)
    return None


async def _all(service: Service[Any], count: int) -> list[str] | None:
    names = await greeted(service)
    return names if len(names) >= count else None

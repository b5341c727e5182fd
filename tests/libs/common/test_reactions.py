from collections.abc import AsyncIterator
from typing import Any

import pytest

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


async def _all(service: Service[Any], count: int) -> list[str] | None:
    names = await greeted(service)
    return names if len(names) >= count else None

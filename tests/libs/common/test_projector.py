import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import nats as nats_py
import orjson
import pytest
from nats.aio.client import Client
from uuid_utils.compat import uuid7

from deploy.local.postgres import Postgres
from libs.common.event_log import Recorded
from libs.common.projector import Feed
from libs.common.relay import Relay
from libs.common.service import Service
from tests.libs.common.accounts import (
    DATABASE,
    LISTED,
    Env,
    auth,
    catalog,
    register,
    reset_database,
    reset_streams,
    running,
    switch,
)
from tests.libs.common.waiting import background, eventually

STREAM = "ev_auth"
Rows = list[tuple[UUID, int, int]]


@pytest.fixture
async def silent(postgres: Postgres, nats: str, service_env: Env) -> AsyncIterator[Service[Any]]:
    """The publisher without its relay."""
    await reset_database(postgres.superuser_url)
    await reset_streams(nats)
    async with running(auth, service_env) as service:
        yield service


@pytest.fixture
async def publisher(silent: Service[Any]) -> AsyncIterator[Service[Any]]:
    async with background(Relay(silent).run()):
        yield silent


@pytest.fixture
async def consumer(silent: Service[Any], service_env: Env) -> AsyncIterator[Service[Any]]:
    async with running(catalog, service_env) as service:
        yield service


@pytest.fixture
async def operator(nats: str) -> AsyncIterator[Client]:
    nc = await nats_py.connect(nats)
    yield nc
    await nc.close()


@pytest.fixture
async def superuser(postgres: Postgres, publisher: Service[Any]) -> AsyncIterator[asyncpg.Connection]:
    con = await asyncpg.connect(postgres.superuser_url.rsplit("/", 1)[0] + f"/{DATABASE}")
    yield con
    await con.close()


def feed(service: Service[Any]) -> Feed:
    return Feed(service, LISTED, "auth")


async def rows(service: Service[Any], table: str) -> Rows:
    found = await service.db.pool.fetch(
        f"SELECT account_id, changes, version FROM {table} ORDER BY account_id"
    )
    return [tuple(row) for row in found]


async def caught_up(publisher: Service[Any], consumer: Service[Any]) -> Rows | None:
    """The consumer's rows, once they are what the publisher's own read model says."""
    own, listed = await rows(publisher, "own_accounts"), await rows(consumer, "listed_accounts")
    return own if own and own == listed else None


async def populate(publisher: Service[Any], number: int = 3) -> list[UUID]:
    ids = [await register(publisher) for _ in range(number)]
    for index, account in enumerate(ids):
        await switch(publisher, account, times=index + 1)
    return ids


async def test_events_become_rows_of_another_service(publisher: Service[Any], consumer: Service[Any]) -> None:
    async with background(feed(consumer).run()):
        ids = await populate(publisher)
        found = await eventually(lambda: caught_up(publisher, consumer))
    assert found == [(ids[0], 1, 2), (ids[1], 2, 3), (ids[2], 3, 4)]


async def test_it_goes_on_where_it_was(publisher: Service[Any], consumer: Service[Any]) -> None:
    ids = await populate(publisher)
    for _ in range(3):
        async with background(feed(consumer).run()):
            await switch(publisher, ids[0])
            await eventually(lambda: caught_up(publisher, consumer))


async def test_listeners_hear_of_what_they_can_read(publisher: Service[Any], consumer: Service[Any]) -> None:
    heard: asyncio.Queue[Recorded[Any]] = asyncio.Queue()

    def tell(events: Any) -> None:
        for event in events:
            heard.put_nowait(event)

    async with background(Feed(consumer, LISTED, "auth", tell).run()):
        account = await register(publisher)
        event = await asyncio.wait_for(heard.get(), 60)
        assert event.stream_id == account
        assert await rows(consumer, "listed_accounts") == [(account, 0, 1)]


async def test_what_it_does_not_know_is_skipped(
    silent: Service[Any], consumer: Service[Any], operator: Client
) -> None:
    """An event type of a newer publisher, and a field of one; the relay is stopped to let the test speak."""
    async with background(feed(consumer).run()):
        async with background(Relay(silent).run()):
            await register(silent)
            await eventually(lambda: caught_up(silent, consumer))
        js = operator.jetstream()
        known = orjson.loads((await js.get_msg(STREAM, 1)).data or b"")
        stranger = known | {"id": str(uuid7()), "type": "vitrine.auth.account_promoted.v1", "sequence": "2"}
        newer = known | {
            "id": str(uuid7()),
            "subject": str(uuid7()),
            "sequence": "3",
            "data": known["data"] | {"new": 1},
        }
        for envelope in (stranger, newer):
            await js.publish(envelope["type"], orjson.dumps(envelope))
        await eventually(lambda: _has(consumer, UUID(newer["subject"])))


async def _has(consumer: Service[Any], account: UUID) -> bool:
    return account in [row[0] for row in await rows(consumer, "listed_accounts")]


async def test_of_two_copies_one_works(publisher: Service[Any], consumer: Service[Any]) -> None:
    ids = await populate(publisher)
    async with background(feed(consumer).run()), background(feed(consumer).run()):
        for _ in range(20):
            await switch(publisher, ids[0])
        await eventually(lambda: caught_up(publisher, consumer))


async def test_a_moved_position_interrupts_and_is_followed(
    publisher: Service[Any], consumer: Service[Any]
) -> None:
    """Whoever moves the position and the rows is obeyed: here everything is forgotten."""
    async with background(feed(consumer).run()):
        ids = await populate(publisher)
        await eventually(lambda: caught_up(publisher, consumer))
        async with consumer.db.pool.acquire() as con, con.transaction():
            await con.execute("UPDATE projections SET seq = 0, pos = 0")
            await con.execute("DELETE FROM listed_accounts")
        await switch(publisher, ids[0])
        await eventually(lambda: caught_up(publisher, consumer))


async def test_a_database_restored_older_is_brought_up_to_date_without_another_event(
    publisher: Service[Any], consumer: Service[Any], superuser: asyncpg.Connection
) -> None:
    async with background(feed(consumer).run()):
        await populate(publisher)
        await eventually(lambda: caught_up(publisher, consumer))
        async with consumer.db.pool.acquire() as con, con.transaction():
            await con.execute("UPDATE projections SET seq = 0, pos = 0, event_id = NULL")
            await con.execute("DELETE FROM listed_accounts")
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1"
        assert await superuser.fetchval(cut, f"catalog:projector {LISTED.name} auth")
        await eventually(lambda: caught_up(publisher, consumer))


async def test_a_lost_consumer_is_replaced(
    publisher: Service[Any], consumer: Service[Any], operator: Client
) -> None:
    async with background(feed(consumer).run()):
        ids = await populate(publisher)
        await eventually(lambda: caught_up(publisher, consumer))
        js = operator.jetstream()
        for info in await js.consumers_info(STREAM):
            await js.delete_consumer(STREAM, info.name)
        await switch(publisher, ids[0])
        await eventually(lambda: caught_up(publisher, consumer))


async def test_a_stream_published_anew_is_the_same_stream(
    publisher: Service[Any], consumer: Service[Any], operator: Client, caplog: pytest.LogCaptureFixture
) -> None:
    async with background(feed(consumer).run()):
        ids = await populate(publisher)
        await eventually(lambda: caught_up(publisher, consumer))
        await operator.jetstream().delete_stream(STREAM)
        await switch(publisher, ids[0])
        await eventually(lambda: caught_up(publisher, consumer))
    assert "begun again" not in caplog.text


async def test_a_stream_of_an_older_log_begins_the_read_model_again(
    publisher: Service[Any],
    consumer: Service[Any],
    superuser: asyncpg.Connection,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As after PostgreSQL was restored: accounts are gone, and positions mean other events."""
    async with background(feed(consumer).run()):
        ids = await populate(publisher)
        await eventually(lambda: caught_up(publisher, consumer))
        lost = await superuser.fetchval(
            "SELECT pos FROM auth.events WHERE stream_id = $1 AND version = 1", ids[2]
        )
        await superuser.execute("DELETE FROM auth.events WHERE pos >= $1", lost)
        await superuser.execute("SELECT setval('auth.events_pos_seq', $1)", lost - 1)
        await superuser.execute(
            "DELETE FROM auth.own_accounts; SELECT pg_terminate_backend(pid) "
            "FROM pg_stat_activity WHERE application_name = 'auth:relay'"
        )
        await _restore_own(superuser)
        for _ in range(9):
            await register(publisher)
        await eventually(lambda: caught_up(publisher, consumer))
    assert not await _has(consumer, ids[2])
    assert "begun again" in caplog.text


async def _restore_own(superuser: asyncpg.Connection) -> None:
    """The publisher's read model as it was in the backup."""
    await superuser.execute(
        "INSERT INTO auth.own_accounts (account_id, active, changes, version) SELECT stream_id, true, "
        "max(version) - 1, max(version) FROM auth.events GROUP BY stream_id"
    )

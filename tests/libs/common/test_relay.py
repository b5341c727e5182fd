from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import nats as nats_py
import orjson
import pytest
from nats.aio.client import Client
from nats.js.api import DiscardPolicy, StoreCompression, StreamConfig
from nats.js.errors import NotFoundError

from deploy.local.postgres import Postgres
from libs.common.cloudevents import contracts_of
from libs.common.contracts.auth import AccountRegistered
from libs.common.event_log import Recorded
from libs.common.messages import Meta
from libs.common.relay import Relay
from libs.common.service import Service
from tests.libs.common.accounts import (
    DATABASE,
    Env,
    Switch,
    accounts,
    auth,
    register,
    reset_database,
    reset_streams,
    running,
    switch,
)
from tests.libs.common.waiting import background, eventually

STREAM = "ev_auth"


@pytest.fixture
async def service(postgres: Postgres, nats: str, service_env: Env) -> AsyncIterator[Service[Any]]:
    await reset_database(postgres.superuser_url)
    await reset_streams(nats)
    async with running(auth, service_env) as service:
        yield service


@pytest.fixture
async def operator(nats: str) -> AsyncIterator[Client]:
    nc = await nats_py.connect(nats)
    yield nc
    await nc.close()


@pytest.fixture
async def superuser(postgres: Postgres, service: Service[Any]) -> AsyncIterator[asyncpg.Connection]:
    con = await asyncpg.connect(postgres.superuser_url.rsplit("/", 1)[0] + f"/{DATABASE}")
    yield con
    await con.close()


async def published(nc: Client) -> list[Recorded[Any]]:
    """Everything the stream holds, in its order."""
    js = nc.jetstream()
    try:
        last = (await js.stream_info(STREAM)).state.last_seq
        messages = [await js.get_msg(STREAM, seq) for seq in range(1, last + 1)]
    except NotFoundError:
        return []
    decoded = [contracts_of("auth").decode(message.data or b"", message.headers) for message in messages]
    return [event for event in decoded if event]


async def logged(service: Service[Any]) -> list[tuple[int, str]]:
    rows = await service.db.pool.fetch("SELECT pos, event_id FROM events ORDER BY pos")
    return [(row["pos"], str(row["event_id"])) for row in rows]


def in_step(service: Service[Any], nc: Client) -> Callable[[], Awaitable[bool]]:
    """Whether the stream tells exactly what the log does, in the same order."""

    async def same() -> bool:
        return [(e.pos, str(e.event_id)) for e in await published(nc)] == await logged(service)

    return same


async def test_the_log_is_published_in_order(service: Service[Any], operator: Client) -> None:
    async with background(Relay(service).run()):
        for name in ("ada", "ben"):
            await switch(service, await register(service, name), times=3)
        await eventually(in_step(service, operator))
    assert len(await published(operator)) == 8


async def test_personal_data_stays(service: Service[Any], operator: Client) -> None:
    async with background(Relay(service).run()):
        account = await register(service, "ada.lovelace")
        await eventually(in_step(service, operator))
    assert [e.event for e in await published(operator)] == [
        AccountRegistered(owner_id=account, userid="ada.love", role="user", username=None)
    ]
    raw = await operator.jetstream().get_msg(STREAM, 1)
    assert "username" not in orjson.loads(raw.data or b"")["data"]


async def test_an_event_travels_as_cloudevent(service: Service[Any], operator: Client) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with background(Relay(service).run()):
        account = await register(service)
        async with service.transaction(Meta("request-1", "message-1", traceparent=trace)) as tx:
            await tx.handle(accounts, account, Switch())
        await eventually(in_step(service, operator))
    raw = await operator.jetstream().get_msg(STREAM, 2)
    envelope = orjson.loads(raw.data or b"")
    row = await service.db.pool.fetchrow("SELECT * FROM events WHERE version = 2")
    assert raw.subject == envelope["type"] == "vitrine.auth.account_deactivated.v1"
    assert envelope | {"data": {}, "time": ""} == {
        "specversion": "1.0",
        "id": str(row["event_id"]),
        "source": "/vitrine/auth",
        "type": "vitrine.auth.account_deactivated.v1",
        "subject": str(account),
        "time": "",
        "datacontenttype": "application/json",
        "sequence": f"{row['pos']:020d}",
        "streamtype": "account",
        "streamversion": 2,
        "correlationid": "request-1",
        "causationid": "message-1",
        "data": {},
    }
    continued = (raw.headers or {})["traceparent"]
    assert continued[:36] == trace[:36]
    assert continued != trace
    decoded = contracts_of("auth").decode(raw.data or b"", raw.headers)
    assert decoded
    assert decoded.meta == Meta("request-1", "message-1", None, continued)
    assert decoded.recorded_at == row["recorded_at"]


async def test_the_stream_has_its_owner_s_settings(service: Service[Any], operator: Client) -> None:
    js = operator.jetstream()
    await js.add_stream(StreamConfig(STREAM, subjects=["vitrine.auth.>"], max_age=60, duplicate_window=30))
    async with background(Relay(service).run()):
        await register(service)
        await eventually(in_step(service, operator))
    config = (await js.stream_info(STREAM)).config
    assert (config.max_age, config.discard, config.deny_delete) == (0, DiscardPolicy.NEW, True)
    assert config.compression == StoreCompression.NONE


async def test_of_two_relays_one_publishes_and_the_other_takes_over(
    service: Service[Any], operator: Client
) -> None:
    async with background(Relay(service).run()):
        async with background(Relay(service).run()):
            await register(service)
            await eventually(in_step(service, operator))
        await register(service)
        await eventually(in_step(service, operator))
    assert len(await published(operator)) == 2


async def test_events_published_by_somebody_else_are_noticed(
    service: Service[Any], operator: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """A message that is not in the log makes the stream misfit: it is published anew without it."""
    async with background(Relay(service).run()):
        await register(service)
        await eventually(in_step(service, operator))
        raw = await operator.jetstream().get_msg(STREAM, 1)
        forged = orjson.loads(raw.data or b"") | {"id": "00000000-0000-7000-8000-000000000000"}
        await operator.jetstream().publish("vitrine.auth.account_registered.v1", orjson.dumps(forged))
        await register(service)
        await eventually(in_step(service, operator))
    assert "does not fit the log" in caplog.text


async def test_a_lost_stream_is_filled_again(service: Service[Any], operator: Client) -> None:
    """Without another event to publish."""
    async with background(Relay(service).run()):
        await switch(service, await register(service), times=5)
        await eventually(in_step(service, operator))
        await operator.jetstream().delete_stream(STREAM)
        await eventually(in_step(service, operator))


async def test_a_purged_stream_is_filled_again(service: Service[Any], operator: Client) -> None:
    async with background(Relay(service).run()):
        await switch(service, await register(service), times=5)
        await eventually(in_step(service, operator))
        await operator.jetstream().purge_stream(STREAM, keep=2)
        await register(service)
        await eventually(in_step(service, operator))


async def test_an_older_log_is_published_anew_and_that_is_said(
    service: Service[Any], operator: Client, superuser: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """As after PostgreSQL was restored from a backup: the stream knows events that the log does not."""
    account = await register(service)
    async with background(Relay(service).run()):
        await switch(service, account, times=5)
        await eventually(in_step(service, operator))
    await superuser.execute(
        "DELETE FROM auth.events WHERE version > 3; SELECT setval('auth.events_pos_seq', 3)"
    )
    await switch(service, account, times=4)  # other events under the same positions
    async with background(Relay(service).run()):
        await eventually(in_step(service, operator))
    assert "was an older PostgreSQL restored?" in caplog.text


async def test_a_cut_session_is_begun_again(
    service: Service[Any], operator: Client, superuser: asyncpg.Connection
) -> None:
    async with background(Relay(service).run()):
        await register(service)
        await eventually(in_step(service, operator))
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'auth:relay'"
        assert await superuser.fetchval(cut)
        await register(service)
        await eventually(in_step(service, operator))

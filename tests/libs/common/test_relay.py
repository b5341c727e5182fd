from collections.abc import AsyncIterator
from typing import Any

import nats
import pytest
from nats.aio.client import Client

from deploy.local.postgres import Postgres
from libs.common.cloudevents import contracts_of
from libs.common.contracts.auth import AccountRegistered
from libs.common.event_log import Recorded
from libs.common.relay import Relay
from libs.common.service import Service
from tests.libs.common.accounts import Env, auth, register, reset_database, reset_streams, running, switch
from tests.libs.common.waiting import background, eventually


@pytest.fixture
async def service(postgres: Postgres, nats: str, service_env: Env) -> AsyncIterator[Service[Any]]:
    await reset_database(postgres.superuser_url)
    await reset_streams(nats)
    async with running(auth, service_env) as service:
        yield service


@pytest.fixture
async def operator(nats_url: str) -> AsyncIterator[Client]:
    nc = await nats.connect(nats_url)
    yield nc
    await nc.close()


@pytest.fixture
def nats_url(nats: str) -> str:
    return nats


async def published(nc: Client) -> list[Recorded[Any]]:
    """Everything the stream holds, in its order."""
    js = nc.jetstream()
    try:
        state = (await js.stream_info("ev_auth")).state
    except nats.js.errors.NotFoundError:
        return []
    contracts = contracts_of("auth")
    messages = [await js.get_msg("ev_auth", seq) for seq in range(1, state.last_seq + 1)]
    decoded = [contracts.decode(message.data or b"", message.headers) for message in messages]
    return [recorded for recorded in decoded if recorded]


async def logged(service: Service[Any]) -> list[int]:
    return [row["pos"] for row in await service.db.pool.fetch("SELECT pos FROM events ORDER BY pos")]


async def test_what_is_committed_is_published_without_personal_data(
    service: Service[Any], operator: Client
) -> None:
    async with background(Relay(service).run()):
        account = await register(service, "ada.lovelace")
        await switch(service, account, times=3)
        events = await eventually(lambda: _all(operator, 4))
    assert [(e.stream_id, e.version) for e in events] == [(account, n) for n in (1, 2, 3, 4)]
    assert [e.pos for e in events] == await logged(service)
    assert events[0].event == AccountRegistered(
        owner_id=account, userid="ada.love", role="user", username=None
    )
    assert b"ada.lovelace" not in ((await operator.jetstream().get_msg("ev_auth", 1)).data or b"")


async def _all(nc: Client, count: int) -> list[Recorded[Any]] | None:
    events = await published(nc)
    return events if len(events) >= count else None

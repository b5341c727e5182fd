"""A leader frozen in the middle of a batch is deposed, and thaws: the fence refuses what it still sends."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from nats.aio.client import Client

from deploy.local.postgres import Postgres
from libs.common.service import Service
from tests.libs.common.accounts import DATABASE, Env, register, switch
from tests.libs.common.proofs.outcome import STREAM, logged, published, stream_is_complete, stream_length
from tests.libs.common.proofs.parts import Parts, parts
from tests.libs.common.waiting import eventually

WINDOW = 0.1
EVENTS = 3000


@pytest.mark.timeout(400)
@pytest.mark.parametrize("times", [1, pytest.param(5, marks=pytest.mark.faults)])
async def test_a_deposed_leader_publishes_nothing(
    times: int,
    publisher: Service[Any],
    operator: Client,
    postgres: Postgres,
    service_env: Env,
    tmp_path: Path,
) -> None:
    for attempt in range(times):
        log = tmp_path / f"{attempt}.log"
        account = await register(publisher)
        for _ in range(10):
            await switch(publisher, account, times=EVENTS // 10)
        with parts(service_env, "slow-relay", log=log) as zombie:
            await frozen_in_a_batch(zombie, publisher)
            await cut_session_of_the_leader(postgres)
            with parts(service_env, "relay"):
                await eventually(lambda: stream_is_complete(publisher))
                await forget_what_was_published(operator)
                zombie.thaw(0)
                await eventually(partial(refused, log))
            assert await published(publisher) == await logged(publisher)


async def frozen_in_a_batch(relay: Parts, publisher: Service[Any]) -> None:
    before = await stream_length(publisher)

    async def under_way() -> bool:
        return await stream_length(publisher) >= before + 100

    await eventually(under_way)
    relay.freeze(0)
    assert not await stream_is_complete(publisher), "the relay was too fast to be frozen"


async def cut_session_of_the_leader(postgres: Postgres) -> None:
    superuser = await asyncpg.connect(postgres.superuser_url.rsplit("/", 1)[0] + f"/{DATABASE}")
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'auth:relay'"
    assert await superuser.fetchval(cut)
    await superuser.close()


async def forget_what_was_published(operator: Client) -> None:
    """Only the fence is left to refuse a message twice: its id is no longer known."""
    js = operator.jetstream()
    config = (await js.stream_info(STREAM)).config
    await js.update_stream(config.evolve(duplicate_window=WINDOW))
    await asyncio.sleep(3 * WINDOW)  # nothing but time closes a window


async def refused(log: Path) -> bool:
    return "wrong last sequence" in await asyncio.to_thread(log.read_text)

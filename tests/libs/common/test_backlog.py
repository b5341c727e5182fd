"""What waits is told by whoever does not do it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from prometheus_client import REGISTRY
from uuid_utils.compat import uuid7

from deploy.local.postgres import Postgres
from libs.common.backlog import Backlog
from libs.common.contracts.auth import AccountRegistered
from libs.common.database import Transaction
from libs.common.event_log import Recorded
from libs.common.jobs import queue
from libs.common.messages import Meta
from libs.common.projector import Feed
from libs.common.reactions import Reaction, Reactor, reaction
from libs.common.relay import Relay
from libs.common.service import Service
from tests.libs.common.accounts import (
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

FEED = {"model": "listed_accounts", "source": "auth"}


@pytest.fixture
async def publisher(postgres: Postgres, nats: str, service_env: Env) -> AsyncIterator[Service[Any]]:
    await reset_database(postgres.superuser_url)
    await reset_streams(nats)
    async with running(auth, service_env) as service:
        yield service


@pytest.fixture
async def consumer(publisher: Service[Any], service_env: Env) -> AsyncIterator[Service[Any]]:
    async with running(catalog, service_env) as service:
        yield service


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("libs.common.backlog.EVERY_SECONDS", 0.02)


def refusing() -> Reaction:
    @reaction(AccountRegistered, durable="catalog_refusing", delays=())
    async def refuse(event: Recorded[AccountRegistered], tx: Transaction, service: Service[Any]) -> None:
        raise ValueError("never")

    return refuse


async def shows(value: float, name: str, **labels: str) -> None:
    async def same() -> bool:
        found = REGISTRY.get_sample_value(name, labels)
        assert found == value, f"{name} is {found}"
        return True

    await eventually(same)


async def shows_some(name: str, **labels: str) -> None:
    async def some() -> bool:
        return (REGISTRY.get_sample_value(name, labels) or 0.0) > 0

    await eventually(some)


async def test_a_relay_that_does_not_run_lags(publisher: Service[Any]) -> None:
    async with background(Backlog(publisher, [], []).run()):
        await switch(publisher, await register(publisher), times=2)
        await shows(3, "vitrine_relay_lag_events")
        await shows_some("vitrine_relay_lag_seconds")
        async with background(Relay(publisher).run()):
            await shows(0, "vitrine_relay_lag_events")
            await shows(0, "vitrine_relay_lag_seconds")


async def test_a_projector_that_does_not_run_lags(publisher: Service[Any], consumer: Service[Any]) -> None:
    async with background(Relay(publisher).run()), background(Backlog(consumer, [], []).run()):
        await switch(publisher, await register(publisher), times=2)
        await shows(3, "vitrine_projection_lag_events", **FEED)
        await shows_some("vitrine_projection_lag_seconds", **FEED)
        async with background(Feed(consumer, LISTED, "auth").run()):
            await shows(0, "vitrine_projection_lag_events", **FEED)
            await shows(0, "vitrine_projection_lag_seconds", **FEED)


async def test_reactions_and_what_they_cannot_do_are_counted(
    publisher: Service[Any], consumer: Service[Any]
) -> None:
    refuse = refusing()
    async with background(Relay(publisher).run()), background(Backlog(consumer, [refuse], []).run()):
        await shows(0, "vitrine_dead_letters")
        for name in ("ada", "ben"):
            await register(publisher, name)
        async with background(Reactor(consumer, refuse).run()):
            await shows(2, "vitrine_dead_letters")
            await shows(0, "vitrine_reaction_lag_events", reaction=refuse.durable)
        await register(publisher, "cid")
        await shows(1, "vitrine_reaction_lag_events", reaction=refuse.durable)


async def test_jobs_wait_and_run(publisher: Service[Any]) -> None:
    async with publisher.transaction(Meta()) as tx:
        for _ in range(3):
            await queue.enqueue(tx, "chore", uuid7(), uuid7(), 50)
    async with background(Backlog(publisher, [], ["chore"]).run()):
        await shows(3, "vitrine_jobs_waiting", kind="chore")
        await shows_some("vitrine_jobs_oldest_seconds", kind="chore")
        claim = await queue.claim(publisher.db, uuid7(), ["chore"], 60)
        await shows(1, "vitrine_jobs_running", kind="chore")
        await shows(2, "vitrine_jobs_waiting", kind="chore")
        assert claim
        await publisher.db.pool.execute("DELETE FROM job_queue")
        await shows(0, "vitrine_jobs_waiting", kind="chore")
        await shows(0, "vitrine_jobs_oldest_seconds", kind="chore")

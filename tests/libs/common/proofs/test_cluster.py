"""A NATS cluster of three loses a node, then the one that leads the stream, under load: no event is lost or doubled."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from deploy.local.postgres import Postgres
from deploy.local.stack import Stack
from libs.common.projector import Feed
from libs.common.reactions import Reactor
from libs.common.rebuild import verify
from libs.common.relay import Relay
from libs.common.resilience import insist
from libs.common.service import Service
from tests.libs.common.accounts import LISTED, Env, auth, catalog, environment, reset_database, running
from tests.libs.common.proofs.cluster import NODES, Cluster, cluster
from tests.libs.common.proofs.outcome import (
    STREAM,
    effects,
    logged,
    published,
    reactions_are_complete,
    registered,
    rows_are_the_same,
    stream_is_complete,
    stream_length,
    write,
)
from tests.libs.common.proofs.parts import greet
from tests.libs.common.waiting import background, eventually

WRITERS = 2
PATIENCE = 90.0


@pytest.fixture
def nodes(empty_stack: Stack, tmp_path: Path) -> Iterator[Cluster]:
    with cluster(tmp_path, empty_stack.secrets.passwords) as three:
        yield three


@pytest.fixture
def cluster_env(nodes: Cluster, service_env: Env) -> Env:
    return lambda service: {**service_env(service), "NATS_URL": nodes.url(service), "NATS_REPLICAS": "3"}


@pytest.fixture
async def services(postgres: Postgres, cluster_env: Env) -> AsyncIterator[tuple[Service[Any], Service[Any]]]:
    """Publisher and consumer with relay, projection and reaction at work, which go on through everything."""
    await reset_database(postgres.superuser_url)
    async with AsyncExitStack() as stack:
        publisher = await stack.enter_async_context(running(auth, cluster_env))
        consumer = await stack.enter_async_context(running(catalog, cluster_env))
        for part in (Relay(publisher), Feed(consumer, LISTED, "auth"), Reactor(consumer, greet)):
            await stack.enter_async_context(background(part.run()))
        yield publisher, consumer


# nats-py drops a connection on which nothing answers without closing it
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in.*StreamWriter:pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("lose", "rounds"),
    [
        ("kill", 1),
        pytest.param("kill", 8, marks=pytest.mark.faults),
        pytest.param("freeze", 2, marks=pytest.mark.faults),
    ],
)
async def test_lost_nodes_lose_and_double_nothing(
    lose: str, rounds: int, nodes: Cluster, services: tuple[Service[Any], Service[Any]], cluster_env: Env
) -> None:
    publisher, consumer = services

    async def without(name: str) -> None:
        """Loses the node, sees the stream grow without it, and has it back."""
        await asyncio.to_thread(getattr(nodes, lose), name)
        await growth(publisher)
        await asyncio.to_thread({"kill": nodes.start, "freeze": nodes.thaw}[lose], name)
        await eventually(lambda: is_whole(publisher), PATIENCE)

    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(WRITERS):
            group.create_task(write(publisher, stop))
        for _ in range(rounds):
            await growth(publisher)
            await without(random.choice([*{*NODES} - {await leader(publisher)}]))
            await without(await leader(publisher))
        stop.set()
    await eventually(lambda: stream_is_complete(publisher), PATIENCE)
    await eventually(lambda: rows_are_the_same(publisher, consumer), PATIENCE)
    await eventually(lambda: reactions_are_complete(publisher, consumer), PATIENCE)
    assert await published(publisher) == await logged(publisher)
    assert await effects(consumer) == await registered(publisher)
    for service in services:
        owner_url = environment(cluster_env, service.name)["database_owner_url"]
        assert all(report.equal for report in await verify(service, owner_url))


async def leader(publisher: Service[Any]) -> str:
    info = await insist(lambda: publisher.bus.js.stream_info(STREAM), PATIENCE)
    assert info.cluster
    assert info.cluster.leader
    return info.cluster.leader


async def is_whole(publisher: Service[Any]) -> bool:
    """Whether all three have the stream: another one may be lost."""
    info = await insist(lambda: publisher.bus.js.stream_info(STREAM), PATIENCE)
    replicas = info.cluster.replicas if info.cluster and info.cluster.replicas else []
    return len(replicas) == len(NODES) - 1 and all(replica.current for replica in replicas)


async def growth(publisher: Service[Any], messages: int = 50) -> None:
    goal = await insist(lambda: stream_length(publisher), PATIENCE) + messages

    async def grown() -> bool:
        return await insist(lambda: stream_length(publisher), PATIENCE) >= goal

    await eventually(grown, PATIENCE)

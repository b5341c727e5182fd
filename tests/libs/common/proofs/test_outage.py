"""PostgreSQL or NATS is away for a while under load: everything goes on by itself, and nobody spins meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from deploy.local.stack import Stack
from libs.common.projector import Feed
from libs.common.reactions import Reactor
from libs.common.relay import Relay
from libs.common.resilience import AWAY
from libs.common.service import Service
from tests.libs.common.accounts import LISTED, register, switch
from tests.libs.common.proofs.outcome import (
    effects,
    logged,
    published,
    reactions_are_complete,
    registered,
    rows_are_the_same,
    stream_is_complete,
)
from tests.libs.common.proofs.parts import greet
from tests.libs.common.waiting import background, eventually

COMPLAINTS_PER_SECOND = 10


@pytest.fixture
async def at_work(publisher: Service[Any], consumer: Service[Any]) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for part in (Relay(publisher), Feed(consumer, LISTED, "auth"), Reactor(consumer, greet)):
            await stack.enter_async_context(background(part.run()))
        yield


async def write(service: Service[Any], stop: asyncio.Event) -> None:
    """Commands that may fail while a server is away, one after the other."""
    while not stop.is_set():
        try:
            await switch(service, await register(service), times=3)
        except AWAY:
            await asyncio.sleep(0.1)


@pytest.mark.usefixtures("at_work")
@pytest.mark.timeout(200)
@pytest.mark.parametrize("server", ["postgres", "nats"])
@pytest.mark.parametrize("seconds", [2, pytest.param(10, marks=pytest.mark.faults)])
async def test_all_goes_on_by_itself(
    server: str,
    seconds: int,
    publisher: Service[Any],
    consumer: Service[Any],
    empty_stack: Stack,
    caplog: pytest.LogCaptureFixture,
) -> None:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(write(publisher, stop))
        await eventually(lambda: reactions_have_begun(consumer))
        await asyncio.to_thread(empty_stack.stop_server, server)
        caplog.clear()
        since = time.monotonic()
        await asyncio.sleep(seconds)  # the outage itself
        assert len(caplog.records) < COMPLAINTS_PER_SECOND * (time.monotonic() - since + 1)
        await asyncio.to_thread(empty_stack.start_server, server)
        before = await eventually(lambda: number_of_events(publisher))
        await eventually(lambda: more_than(publisher, before))
        stop.set()
    await eventually(lambda: stream_is_complete(publisher))
    await eventually(lambda: rows_are_the_same(publisher, consumer))
    await eventually(lambda: reactions_are_complete(publisher, consumer))
    assert await published(publisher) == await logged(publisher)
    assert await effects(consumer) == await registered(publisher)


async def reactions_have_begun(consumer: Service[Any]) -> bool:
    return bool(await effects(consumer))


async def number_of_events(publisher: Service[Any]) -> int:
    """0 while the database is away."""
    try:
        return len(await logged(publisher))
    except AWAY:
        return 0


async def more_than(publisher: Service[Any], before: int) -> bool:
    return await number_of_events(publisher) > before

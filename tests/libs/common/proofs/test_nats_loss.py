"""NATS comes back with an older store, or an empty one: it is filled again, and nothing happens twice."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from deploy.local.stack import Stack
from libs.common.projector import Feed
from libs.common.reactions import Reactor
from libs.common.relay import Relay
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


@pytest.fixture
async def at_work(publisher: Service[Any], consumer: Service[Any]) -> AsyncIterator[None]:
    """The relay, a projection and a reaction, which go on through everything."""
    async with AsyncExitStack() as stack:
        for part in (Relay(publisher), Feed(consumer, LISTED, "auth"), Reactor(consumer, greet)):
            await stack.enter_async_context(background(part.run()))
        yield


@pytest.fixture
async def store(empty_stack: Stack) -> AsyncIterator[Path]:
    """Where the server keeps its streams; it runs again afterwards."""
    yield empty_stack.nats.store
    await asyncio.to_thread(empty_stack.start_server, "nats")


async def populate(publisher: Service[Any]) -> None:
    for _ in range(5):
        await switch(publisher, await register(publisher), times=40)


async def all_is_well(publisher: Service[Any], consumer: Service[Any]) -> None:
    await eventually(lambda: stream_is_complete(publisher))
    await eventually(lambda: rows_are_the_same(publisher, consumer))
    await eventually(lambda: reactions_are_complete(publisher, consumer))
    assert await published(publisher) == await logged(publisher)
    assert await effects(consumer) == await registered(publisher)


@pytest.mark.usefixtures("at_work")
async def test_an_empty_store_is_filled_again(
    publisher: Service[Any], consumer: Service[Any], empty_stack: Stack, store: Path
) -> None:
    await populate(publisher)
    await all_is_well(publisher, consumer)
    await asyncio.to_thread(empty_stack.stop_server, "nats")
    shutil.rmtree(store)
    await populate(publisher)
    await asyncio.to_thread(empty_stack.start_server, "nats")
    await all_is_well(publisher, consumer)


@pytest.mark.usefixtures("at_work")
async def test_an_older_copy_gets_its_tail_again(
    publisher: Service[Any], consumer: Service[Any], empty_stack: Stack, store: Path, tmp_path: Path
) -> None:
    await populate(publisher)
    await all_is_well(publisher, consumer)
    await asyncio.to_thread(empty_stack.stop_server, "nats")
    shutil.copytree(store, tmp_path / "older")
    await asyncio.to_thread(empty_stack.start_server, "nats")
    await populate(publisher)
    await all_is_well(publisher, consumer)

    await asyncio.to_thread(empty_stack.stop_server, "nats")
    shutil.rmtree(store)
    shutil.copytree(tmp_path / "older", store)
    await asyncio.to_thread(empty_stack.start_server, "nats")
    await all_is_well(publisher, consumer)

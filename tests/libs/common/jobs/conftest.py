"""A service in the schema `scratch`, whose jobs are chores, and engines that work on them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from libs.common.bus import Bus
from libs.common.database import Database
from libs.common.jobs.engine import Engine
from libs.common.service import Service
from tests.libs.common.counters import SCHEMA
from tests.libs.common.jobs.chores import Call, chore_kind, service_of

Start = Callable[..., Awaitable[Engine]]


@pytest.fixture
async def service(scratch_url: str, nats: str) -> AsyncIterator[Service[Any]]:
    db, bus = await Database.connect(scratch_url, SCHEMA, size=10), await Bus.connect(nats, "test")
    yield service_of(db, bus)
    await bus.close()
    await db.close()


@pytest.fixture
async def start(service: Service[Any]) -> AsyncIterator[Start]:
    """Runs an engine until the test ends."""
    tasks: list[asyncio.Task[None]] = []

    async def start(call: Call, slots: int = 2, seconds: float = 60, lease: float = 600) -> Engine:
        engine = Engine(service, [chore_kind(call)], slots, seconds, lease)
        tasks.append(asyncio.create_task(engine.run()))
        return engine

    yield start
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

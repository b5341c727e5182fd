"""Relays, projector and reaction are killed with -9 at random moments: no event is lost or doubled."""

import asyncio
import random
from typing import Any

import pytest

from libs.common.service import Service
from tests.libs.common.accounts import Env
from tests.libs.common.proofs.outcome import (
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
from tests.libs.common.proofs.parts import parts
from tests.libs.common.waiting import eventually

WRITERS = 4


@pytest.mark.timeout(400)
@pytest.mark.parametrize("kills", [4, pytest.param(30, marks=pytest.mark.faults)])
async def test_killed_processes_lose_and_double_nothing(
    kills: int, publisher: Service[Any], consumer: Service[Any], service_env: Env
) -> None:
    stop = asyncio.Event()
    with parts(service_env, "relay", "relay", "feed", "reaction") as running:
        async with asyncio.TaskGroup() as group:
            for _ in range(WRITERS):
                group.create_task(write(publisher, stop))
            for _ in range(kills):
                await growth(publisher, random.randint(50, 300))
                running.kill_one()
            stop.set()
        await eventually(lambda: stream_is_complete(publisher))
        await eventually(lambda: rows_are_the_same(publisher, consumer))
        await eventually(lambda: reactions_are_complete(publisher, consumer))
        assert await published(publisher) == await logged(publisher)
        assert await effects(consumer) == await registered(publisher)


async def growth(service: Service[Any], messages: int) -> None:
    goal = await stream_length(service) + messages

    async def grown() -> bool:
        return await stream_length(service) >= goal

    await eventually(grown)

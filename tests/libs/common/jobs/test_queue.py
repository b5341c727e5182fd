"""The queue: who is admitted, and whose turn it is."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from libs.common.errors import TooMany
from libs.common.jobs import queue
from libs.common.service import Service
from tests.libs.common.jobs.chores import ANNA, BEN, accept


async def test_users_take_turns(service: Service[Any]) -> None:
    for number in range(3):
        await accept(service, UUID(int=10 + number), ANNA)
    await accept(service, UUID(int=20), BEN)
    claims = [await queue.claim(service.db, UUID(int=5), ["chore"], 30.0) for _ in range(4)]
    assert [claim.owner_id for claim in claims if claim] == [ANNA, BEN, ANNA, ANNA]


async def test_a_full_queue_says_when_to_come_back(service: Service[Any]) -> None:
    for _ in range(3):
        await accept(service, uuid7(), ANNA, limit=3)
    with pytest.raises(TooMany) as refusal:
        await accept(service, uuid7(), BEN, limit=3)
    assert refusal.value.code == "queue_full"
    assert refusal.value.retry_after
    assert refusal.value.retry_after >= 1


async def test_admission_counts_right_under_contention(service: Service[Any]) -> None:
    outcomes = await asyncio.gather(
        *(accept(service, uuid7(), ANNA, limit=5) for _ in range(12)), return_exceptions=True
    )
    assert sum(outcome is None for outcome in outcomes) == 5


async def test_a_waiting_job_knows_its_place(service: Service[Any]) -> None:
    first, second = uuid7(), uuid7()
    await accept(service, first, ANNA)
    await accept(service, second, BEN)
    assert (await queue.position(service.db, first), await queue.position(service.db, second)) == (0, 1)

"""A job while PostgreSQL is away for a moment, or a row of it is locked."""

import asyncio
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from deploy.local.stack import Stack
from libs.common.jobs import queue
from libs.common.service import Service
from tests.libs.common.jobs.chores import ANNA, accept, at_end, nothing
from tests.libs.common.jobs.conftest import Start


async def test_a_job_goes_on_when_the_database_is_back_and_what_was_paid_is_kept(
    service: Service[Any], start: Start, empty_stack: Stack
) -> None:
    """Long before its lease has run out."""
    calls: list[int] = []
    called, answered = asyncio.Event(), asyncio.Event()

    async def answer_during_the_outage(_: Any, number: int) -> dict[str, Any]:
        calls.append(number)
        called.set()
        await answered.wait()
        return {}

    await start(answer_during_the_outage)
    job_id = uuid7()
    await accept(service, job_id, ANNA, steps=2)
    await called.wait()
    await asyncio.to_thread(empty_stack.stop_server, "postgres")
    answered.set()
    await asyncio.to_thread(empty_stack.start_server, "postgres")
    assert (await at_end(service, job_id)).status == "completed"
    assert calls == [0, 1]


async def test_a_job_whose_end_fails_in_an_outage_ends_afterwards(
    service: Service[Any], start: Start, empty_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending, remove = asyncio.Event(), queue.remove

    async def remove_without_a_database(*args: Any) -> bool:
        if not ending.is_set():
            await asyncio.to_thread(empty_stack.stop_server, "postgres")
            ending.set()
        return await remove(*args)

    monkeypatch.setattr(queue, "remove", remove_without_a_database)
    await start(nothing)
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    await ending.wait()
    await asyncio.to_thread(empty_stack.start_server, "postgres")
    assert (await at_end(service, job_id)).status == "completed"


async def test_a_job_ends_while_another_one_notes_how_long_it_took(
    service: Service[Any], start: Start
) -> None:
    async def ends() -> float:
        job_id = uuid7()
        await accept(service, job_id, ANNA)
        assert (await at_end(service, job_id)).status == "completed"
        return float(await service.db.pool.fetchval("SELECT seconds FROM job_stats WHERE kind = 'chore'"))

    await start(nothing)
    first = await ends()
    async with service.db.pool.acquire() as con, con.transaction():
        await queue.note_duration(con, "chore", 1000.0)
        assert await ends() == first
    assert await ends() > 100

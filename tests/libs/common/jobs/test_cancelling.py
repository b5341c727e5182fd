"""Cancelling: who may, and until when."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from libs.common.errors import NotFound, Unavailable
from libs.common.jobs import queue
from libs.common.jobs.answers import cancel_job
from libs.common.jobs.work import RunningJob
from libs.common.service import Service
from tests.libs.common.counters import SCHEMA
from tests.libs.common.jobs.chores import ANNA, BEN, Chore, accept, at_end, chores, nothing, state_of
from tests.libs.common.jobs.conftest import Start
from tests.libs.common.waiting import eventually


async def test_a_waiting_job_is_cancelled_at_once(service: Service[Any]) -> None:
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    async with service.transaction() as tx:
        await cancel_job(tx, chores, job_id, ANNA, lambda chore: chore.job)
    assert (await state_of(service, job_id)).status == "cancelled"
    assert await service.db.pool.fetchval("SELECT count(*) FROM job_queue") == 0


async def test_a_running_job_is_cancelled_by_its_worker(service: Service[Any], start: Start) -> None:
    running = asyncio.Event()

    async def hang(*_: Any) -> dict[str, Any]:
        running.set()
        await asyncio.Event().wait()
        return {}

    await start(hang)
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    await asyncio.wait_for(running.wait(), 60)
    async with service.transaction() as tx:
        await cancel_job(tx, chores, job_id, ANNA, lambda chore: chore.job)
    assert (await at_end(service, job_id)).status == "cancelled"


async def test_a_job_cancelled_between_two_attempts_tells_who_was_asked_in_vain(
    service: Service[Any], start: Start
) -> None:
    asked_in_vain = {"provider": "painter", "code": "no", "message": "no", "cost": 0.5}

    async def ask_and_come_back_in_an_hour(job: RunningJob[Chore], _: int) -> dict[str, Any]:
        await job.asked_in_vain("step-0", [asked_in_vain])
        raise Unavailable("too many requests", retry_after=3600)

    async def is_put_off() -> bool:
        return bool(
            await service.db.pool.fetchval("SELECT count(*) FROM job_queue WHERE available_at > now()")
        )

    await start(ask_and_come_back_in_an_hour)
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    await eventually(is_put_off)
    async with service.transaction() as tx:
        await cancel_job(tx, chores, job_id, ANNA, lambda chore: chore.job)
    finished = (await state_of(service, job_id)).finished
    assert finished
    [told] = finished.result["failed_attempts"]
    assert (told["step"], told["provider"], finished.cost) == ("step-0", "painter", 0.5)


async def test_a_strangers_job_cannot_be_cancelled(service: Service[Any]) -> None:
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    with pytest.raises(NotFound):
        async with service.transaction() as tx:
            await cancel_job(tx, chores, job_id, BEN, lambda chore: chore.job)
    assert (await state_of(service, job_id)).status == "queued"


async def test_a_cancellation_that_comes_while_the_job_ends_comes_too_late(
    service: Service[Any], start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    renew, remove, looks = queue.renew, queue.remove, asyncio.Queue[bool]()

    async def renew_and_tell(*args: Any) -> dict[UUID, bool]:
        ours = await renew(*args)
        looks.put_nowait(any(ours.values()))
        return ours

    async def remove_when_cancelled(*args: Any) -> bool:
        await service.db.pool.execute("UPDATE job_queue SET cancelled = true")
        for _ in range(2):  # at its second look it has acted upon the first
            service.bus.wake(f"{SCHEMA}.jobs")
            while not await looks.get():
                pass
        return await remove(*args)

    monkeypatch.setattr(queue, "renew", renew_and_tell)
    monkeypatch.setattr(queue, "remove", remove_when_cancelled)
    await start(nothing)
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    assert (await at_end(service, job_id)).status == "completed"


async def test_a_cancellation_during_a_failure_does_not_wait_for_the_next_attempt(
    service: Service[Any], start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = queue.release

    async def cancelled_meanwhile(*args: Any, **options: Any) -> None:
        await service.db.pool.execute("UPDATE job_queue SET cancelled = true")
        await release(*args, **options)

    async def come_back_in_an_hour(*_: Any) -> dict[str, Any]:
        raise Unavailable("too many requests", retry_after=3600)

    monkeypatch.setattr(queue, "release", cancelled_meanwhile)
    await start(come_back_in_an_hour)
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    assert (await at_end(service, job_id)).status == "cancelled"

"""Whose a job is: given back by a worker that stops, lost to another one, renewed meanwhile."""

import asyncio
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from libs.common.jobs import queue
from libs.common.jobs.engine import Engine
from libs.common.jobs.lifecycle import CancelJob, StartJob
from libs.common.jobs.work import RunningJob
from libs.common.messages import Meta
from libs.common.service import Service
from tests.libs.common.jobs.chores import (
    ANNA,
    BEN,
    Chore,
    accept,
    at_end,
    chore_kind,
    chores,
    nothing,
    state_of,
)
from tests.libs.common.jobs.conftest import Start


async def test_a_worker_that_stops_hands_its_job_on(service: Service[Any], start: Start) -> None:
    running, first = asyncio.Event(), True

    async def hang_once(*_: Any) -> dict[str, Any]:
        nonlocal first
        if first:
            first = False
            running.set()
            await asyncio.Event().wait()
        return {}

    engine = Engine(service, [chore_kind(hang_once)], slots=1, timeout=20)
    stopping = asyncio.create_task(engine.run())
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    await asyncio.wait_for(running.wait(), 60)
    stopping.cancel()
    with suppress(asyncio.CancelledError):
        await stopping
    await start(hang_once)  # long before the first one's lease would have run out
    assert (await at_end(service, job_id)).status == "completed"


async def test_what_is_claimed_while_the_worker_stops_is_given_back(
    service: Service[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, claimed, arrive = queue.claim, asyncio.Event(), asyncio.Event()

    async def claim_slowly(*args: Any) -> Any:
        found = await claim(*args)
        claimed.set()
        await arrive.wait()
        return found

    monkeypatch.setattr(queue, "claim", claim_slowly)
    await accept(service, uuid7(), ANNA)
    engine = Engine(service, [chore_kind(nothing)], slots=1, timeout=20)
    stopping = asyncio.create_task(engine.run())
    await asyncio.wait_for(claimed.wait(), 60)
    stopping.cancel()
    arrive.set()
    with suppress(asyncio.CancelledError):
        await stopping
    row = await service.db.pool.fetchrow("SELECT lease_until, attempts FROM job_queue")
    assert (row["lease_until"], row["attempts"]) == (None, 0)


async def test_an_attempt_whose_lease_was_lost_tells_and_ends_nothing(
    service: Service[Any], start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    running, finish = asyncio.Event(), asyncio.Event()

    async def slow(*_: Any) -> dict[str, Any]:
        running.set()
        await finish.wait()
        return {}

    await start(slow, slots=1)
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    await asyncio.wait_for(running.wait(), 60)
    await service.db.pool.execute("UPDATE job_queue SET worker_id = $1", UUID(int=99))
    finish.set()
    async with asyncio.timeout(60):
        while "taken over" not in caplog.text:
            await asyncio.sleep(0.02)
    assert await service.db.pool.fetchval("SELECT worker_id FROM job_queue") == UUID(int=99)
    job = await state_of(service, job_id)
    assert (job.status, job.steps) == ("processing", ()), (
        "another worker may yet make what this one could not"
    )


async def test_an_attempt_that_left_a_step_out_ends_nothing(service: Service[Any], start: Start) -> None:
    """A worker may take the job again that it had lost, while its first attempt is still running."""
    begin = asyncio.Event()

    async def lose_and_regain(_: RunningJob[Chore], number: int) -> dict[str, Any]:
        await begin.wait()
        whose = (UUID(int=99), engine.worker_id)[number]
        await service.db.pool.execute("UPDATE job_queue SET worker_id = $1", whose)
        return {}

    engine = await start(lose_and_regain, slots=1)
    job_id = uuid7()
    await accept(service, job_id, ANNA, steps=2)
    async with asyncio.timeout(60):
        while not engine._running:
            await asyncio.sleep(0.01)
    attempt = engine._running[job_id]
    begin.set()
    await asyncio.wait([attempt], timeout=60)
    assert (await state_of(service, job_id)).status == "processing"
    await service.db.pool.execute("UPDATE job_queue SET lease_until = now() - interval '1 s'")
    assert (await at_end(service, job_id)).steps == ("step-0", "step-1")


async def test_an_answer_that_comes_after_the_end_leaves_no_journal(
    service: Service[Any], start: Start
) -> None:
    """Nobody would ever take it away, with all that a provider has said in it."""
    running, finish = asyncio.Event(), asyncio.Event()

    async def slow(*_: Any) -> dict[str, Any]:
        running.set()
        await finish.wait()
        return {}

    engine = await start(slow, slots=1)
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    await asyncio.wait_for(running.wait(), 60)
    async with service.transaction() as tx:
        await tx.handle(chores, job_id, CancelJob(by="another worker"))
        await queue.remove(await tx.connection(), job_id)
    finish.set()
    await asyncio.wait(engine._running.values(), timeout=60)
    assert await service.db.pool.fetchval("SELECT count(*) FROM job_calls") == 0


async def test_a_job_claimed_while_leases_are_renewed_is_not_taken_for_lost(
    service: Service[Any], start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed, renew = [asyncio.Event(), asyncio.Event()], queue.renew
    finish = asyncio.Event()

    async def claimed_in_turn(*_: Any) -> dict[str, Any]:
        claimed[claimed[0].is_set()].set()
        await finish.wait()
        return {}

    async def renew_slowly(*args: Any) -> dict[UUID, bool]:
        ours = await renew(*args)
        await claimed[1].wait()
        return ours

    monkeypatch.setattr(queue, "renew", renew_slowly)
    await start(claimed_in_turn)
    first, second = uuid7(), uuid7()
    await accept(service, first, ANNA)
    await claimed[0].wait()
    await accept(service, second, ANNA)
    await claimed[1].wait()
    await accept(service, uuid7(), BEN)  # its wake-up makes the heartbeat look again
    finish.set()
    assert [(await at_end(service, job_id)).attempt for job_id in (first, second)] == [1, 1]


async def test_the_first_answer_of_a_step_stays(service: Service[Any]) -> None:
    """A worker that was taken for dead may come later, with another one."""
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    asked, answer_late = asyncio.Event(), asyncio.Event()

    async def late() -> dict[str, Any]:
        asked.set()
        await answer_late.wait()
        return {"made": "late"}

    async def early() -> dict[str, Any]:
        return {"made": "early"}

    taken_for_dead = asyncio.create_task((await _running(service, job_id)).step("paint", late))
    await asked.wait()
    assert await (await _running(service, job_id)).step("paint", early) == {"made": "early"}
    answer_late.set()
    assert await taken_for_dead == {"made": "early"}


async def test_who_has_lost_a_job_journals_nobody_who_was_asked_in_vain(service: Service[Any]) -> None:
    """Or it would write over what the worker has journaled that has the job now."""
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    tried = {"provider": "painter", "code": "no", "message": "no"}
    lost, holding = await _running(service, job_id), await _running(service, job_id)
    holding.worker_id = UUID(int=2)
    await service.db.pool.execute("UPDATE job_queue SET worker_id = $1", holding.worker_id)
    for job, attempts in ((holding, [tried, tried]), (lost, [tried])):
        job.failed_attempts["paint"] = []
        await job.asked_in_vain("paint", attempts)
    assert await service.db.pool.fetchval("SELECT failed_attempts FROM job_calls") == [tried, tried]


async def _running(service: Service[Any], job_id: UUID) -> RunningJob[Chore]:
    async with service.transaction() as tx:
        known = await tx.handle(chores, job_id, StartJob())
    return RunningJob(service, chore_kind(nothing), job_id, ANNA, UUID(int=1), known, 1, False, Meta())

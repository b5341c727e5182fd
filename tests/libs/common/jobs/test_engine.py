import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from uuid_utils.compat import uuid7

from deploy.local.stack import Stack
from libs.common.bus import Bus
from libs.common.database import Database
from libs.common.errors import Invalid, NotFound, TooMany, Unavailable
from libs.common.jobs import queue
from libs.common.jobs.answers import cancel_job
from libs.common.jobs.engine import MAX_ATTEMPTS, Engine
from libs.common.jobs.lifecycle import CancelJob, Job
from libs.common.jobs.work import RunningJob
from libs.common.logs import JsonFormatter
from libs.common.messages import Meta
from libs.common.service import Service
from tests.libs.common.counters import SCHEMA
from tests.libs.common.jobs.chores import Call, Chore, accept, chore_kind, chores, service_of, state_of
from tests.libs.common.waiting import eventually

ANNA, BEN = UUID(int=1), UUID(int=2)
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

    async def start(call: Call, slots: int = 2, seconds: float = 20, lease: float = 1.0) -> Engine:
        engine = Engine(service, [chore_kind(call)], slots, seconds, lease)
        tasks.append(asyncio.create_task(engine.run()))
        return engine

    yield start
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def at_end(service: Service[Any], job_id: UUID) -> Job:
    async with asyncio.timeout(20):
        while not (job := await state_of(service, job_id)).over:
            await asyncio.sleep(0.02)
    return job


async def nothing(*_: Any) -> dict[str, Any]:
    return {}


async def test_a_job_runs_through_its_steps_to_its_end(service: Service[Any], start: Start) -> None:
    await start(nothing)
    job_id = uuid7()
    await accept(service, job_id, ANNA, steps=3)
    job = await at_end(service, job_id)
    assert (job.status, job.steps) == ("completed", ("step-0", "step-1", "step-2"))
    assert job.finished
    assert job.finished.result == {"steps": 3}
    assert await service.db.pool.fetchval("SELECT count(*) FROM job_queue") == 0
    assert await service.db.pool.fetchval("SELECT count(*) FROM job_calls") == 0


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


async def test_a_job_is_worked_on_under_the_ids_of_its_request(service: Service[Any], start: Start) -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    lines: list[dict[str, Any]] = []

    async def write_a_line(*_: Any) -> dict[str, Any]:
        record = logging.makeLogRecord({"msg": "paying"})
        lines.append(json.loads(JsonFormatter("scratch-worker").format(record)))
        return {}

    await start(write_a_line)
    job_id = uuid7()
    meta = Meta("request-1", traceparent=f"00-{trace_id}-b7ad6b7169203331-01")
    await accept(service, job_id, ANNA, meta=meta)
    await at_end(service, job_id)
    [line] = lines
    assert (line["request_id"], line["trace_id"], line["job_id"]) == ("request-1", trace_id, str(job_id))
    metas = await service.db.pool.fetch("SELECT meta FROM events WHERE stream_id = $1", job_id)
    assert {row["meta"]["correlation_id"] for row in metas} == {"request-1"}
    assert {row["meta"]["traceparent"][3:35] for row in metas} == {trace_id}


async def test_attempts_are_counted_by_how_they_ended(service: Service[Any], start: Start) -> None:
    def counted() -> dict[str, float]:
        found = {
            outcome: REGISTRY.get_sample_value(
                "vitrine_job_attempt_seconds_count", {"kind": "chore", "outcome": outcome}
            )
            for outcome in ("completed", "failed", "repeated")
        }
        return {outcome: value or 0.0 for outcome, value in found.items()}

    answers: list[Exception | None] = [Unavailable("busy", retry_after=0.01), None, Invalid("never")]

    async def answer(*_: Any) -> dict[str, Any]:
        if error := answers.pop(0):
            raise error
        return {}

    before = counted()
    await start(answer, slots=1)
    for _ in range(2):
        job_id = uuid7()
        await accept(service, job_id, ANNA)
        await at_end(service, job_id)

    async def one_of_each() -> bool:
        assert {outcome: value - before[outcome] for outcome, value in counted().items()} == {
            "completed": 1,
            "failed": 1,
            "repeated": 1,
        }
        return True

    await eventually(one_of_each)


async def test_a_failed_step_is_tried_again_and_finished_ones_are_not_paid_again(
    service: Service[Any], start: Start
) -> None:
    calls: list[int] = []

    async def second_fails_once(_: Any, number: int) -> dict[str, Any]:
        calls.append(number)
        if calls == [0, 1]:
            raise Unavailable("the provider is overloaded", retry_after=0.01)
        return {}

    await start(second_fails_once)
    job_id = uuid7()
    await accept(service, job_id, ANNA, steps=2)
    job = await at_end(service, job_id)
    assert (job.status, job.attempt, calls) == ("completed", 2, [0, 1, 1])


async def test_a_job_goes_on_when_the_database_is_back_and_what_was_paid_is_kept(
    service: Service[Any], start: Start, empty_stack: Stack
) -> None:
    """Long before its lease has run out, for which `at_end` has no patience."""
    calls: list[int] = []
    called, answered = asyncio.Event(), asyncio.Event()

    async def answer_during_the_outage(_: Any, number: int) -> dict[str, Any]:
        calls.append(number)
        called.set()
        await answered.wait()
        return {}

    await start(answer_during_the_outage, lease=30.0)
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
    await start(nothing, lease=30.0)
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    await ending.wait()
    await asyncio.to_thread(empty_stack.start_server, "postgres")
    assert (await at_end(service, job_id)).status == "completed"


async def test_a_refusal_is_final_and_keeps_its_code(service: Service[Any], start: Start) -> None:
    async def refuse(*_: Any) -> dict[str, Any]:
        raise Invalid("the photo shows nothing", code="content_refused")

    await start(refuse)
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    job = await at_end(service, job_id)
    assert job.finished
    assert (job.status, job.finished.code, job.finished.detail) == (
        "failed",
        "content_refused",
        "the photo shows nothing",
    )


async def test_a_job_that_takes_too_long_fails(service: Service[Any], start: Start) -> None:
    async def hang(*_: Any) -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    await start(hang, seconds=0.2)
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    job = await at_end(service, job_id)
    assert job.finished
    assert job.finished.code == "timeout"


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

    await start(hang, lease=30.0)
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    await asyncio.wait_for(running.wait(), 10)
    async with service.transaction() as tx:
        await cancel_job(tx, chores, job_id, ANNA, lambda chore: chore.job)
    assert (await at_end(service, job_id)).status == "cancelled"


async def test_a_strangers_job_cannot_be_cancelled(service: Service[Any]) -> None:
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    with pytest.raises(NotFound):
        async with service.transaction() as tx:
            await cancel_job(tx, chores, job_id, BEN, lambda chore: chore.job)
    assert (await state_of(service, job_id)).status == "queued"


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
    await asyncio.wait_for(running.wait(), 10)
    stopping.cancel()
    with suppress(asyncio.CancelledError):
        await stopping
    await start(hang_once, lease=30.0)  # long before the first one's lease would have run out
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
    engine = Engine(service, [chore_kind(nothing)], slots=1, timeout=20, lease=600.0)
    stopping = asyncio.create_task(engine.run())
    await asyncio.wait_for(claimed.wait(), 10)
    stopping.cancel()
    arrive.set()
    with suppress(asyncio.CancelledError):
        await stopping
    row = await service.db.pool.fetchrow("SELECT lease_until, attempts FROM job_queue")
    assert (row["lease_until"], row["attempts"]) == (None, 0)


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
    await start(nothing, lease=600.0)
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    assert (await at_end(service, job_id)).status == "completed"


async def test_an_attempt_whose_lease_was_lost_ends_nothing(
    service: Service[Any], start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    running, finish = asyncio.Event(), asyncio.Event()

    async def slow(*_: Any) -> dict[str, Any]:
        running.set()
        await finish.wait()
        return {}

    await start(slow, slots=1, lease=600.0)
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    await asyncio.wait_for(running.wait(), 10)
    await service.db.pool.execute("UPDATE job_queue SET worker_id = $1", UUID(int=99))
    finish.set()
    async with asyncio.timeout(10):
        while "taken over" not in caplog.text:
            await asyncio.sleep(0.02)
    assert await service.db.pool.fetchval("SELECT worker_id FROM job_queue") == UUID(int=99)
    job = await state_of(service, job_id)
    assert (job.status, job.steps) == ("processing", ("step-0",))


async def test_an_answer_that_comes_after_the_end_leaves_no_journal(
    service: Service[Any], start: Start
) -> None:
    """Nobody would ever take it away, with all that a provider has said in it."""
    running, finish = asyncio.Event(), asyncio.Event()

    async def slow(*_: Any) -> dict[str, Any]:
        running.set()
        await finish.wait()
        return {}

    engine = await start(slow, slots=1, lease=600.0)
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    await asyncio.wait_for(running.wait(), 10)
    async with service.transaction() as tx:
        await tx.handle(chores, job_id, CancelJob(by="another worker"))
        await queue.remove(await tx.connection(), job_id)
    finish.set()
    await asyncio.wait(engine._running.values(), timeout=10)
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
    await start(claimed_in_turn, lease=30.0)
    first, second = uuid7(), uuid7()
    await accept(service, first, ANNA)
    await claimed[0].wait()
    await accept(service, second, ANNA)
    await claimed[1].wait()
    await accept(service, uuid7(), BEN)  # its wake-up makes the heartbeat look again
    finish.set()
    assert [(await at_end(service, job_id)).attempt for job_id in (first, second)] == [1, 1]


async def test_an_attempt_that_takes_too_long_fails_the_job(service: Service[Any], start: Start) -> None:
    async def hang(*_: Any) -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    await start(hang, seconds=0.1)
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    job = await at_end(service, job_id)
    assert job.finished
    assert (job.status, job.finished.code, job.attempt) == ("failed", "timeout", 1)


async def test_a_job_that_got_on_before_its_time_was_over_goes_on(
    service: Service[Any], start: Start
) -> None:
    """Or eight large pictures would fail for the last one's sake."""
    calls: list[int] = []

    async def hang_at_the_second(_: RunningJob[Chore], number: int) -> dict[str, Any]:
        calls.append(number)
        if calls == [0, 1]:
            await asyncio.Event().wait()
        return {}

    await start(hang_at_the_second, seconds=2.0)
    job_id = uuid7()
    await accept(service, job_id, ANNA, steps=2)
    job = await at_end(service, job_id)
    assert (job.status, job.attempt, calls) == ("completed", 2, [0, 1, 1])


async def test_a_step_reported_again_is_no_progress(service: Service[Any], start: Start) -> None:
    """Or what fails behind it would be tried for ever."""

    class Overloaded(Exception):
        code, retryable, retry_after = "overloaded", True, 0.01

    async def prepare_and_fail(job: RunningJob[Chore], _: int) -> dict[str, Any]:
        await job.progress("prepared")
        raise Overloaded

    await start(prepare_and_fail)
    job_id = uuid7()
    await accept(service, job_id, ANNA, steps=2)
    job = await at_end(service, job_id)
    assert (job.status, job.attempt, job.steps) == ("failed", MAX_ATTEMPTS, ("prepared",))


async def test_a_job_that_kills_its_workers_is_given_up(service: Service[Any], start: Start) -> None:
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    await service.db.pool.execute("UPDATE job_queue SET attempts = 5")
    await start(nothing)
    job = await at_end(service, job_id)
    assert job.finished
    assert (job.status, job.finished.code) == ("failed", "worker_died")


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

"""What becomes of a job by what its attempts come to."""

import asyncio
import json
import logging
from typing import Any

import pytest
from prometheus_client import REGISTRY
from uuid_utils.compat import uuid7

from libs.common.errors import Invalid, Unavailable
from libs.common.event_log import MOST_TOLD
from libs.common.jobs import queue
from libs.common.jobs.engine import MAX_ATTEMPTS, JobTimeout
from libs.common.jobs.work import JobKind, RunningJob
from libs.common.logs import JsonFormatter
from libs.common.messages import Meta
from libs.common.service import Service
from tests.libs.common.jobs.chores import ANNA, Chore, accept, at_end, chores, nothing, state_of
from tests.libs.common.jobs.conftest import Start
from tests.libs.common.waiting import eventually


class Overloaded(Exception):
    code, retryable, retry_after = "overloaded", True, 0.01


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


async def test_an_answer_is_journaled_while_another_step_is_told_of(
    service: Service[Any], start: Start
) -> None:
    """A worker that dies in that moment must not pay again."""
    called, answered = asyncio.Event(), asyncio.Event()

    async def answer(*_: Any) -> dict[str, Any]:
        called.set()
        await answered.wait()
        return {}

    async def is_journaled() -> bool:
        return bool(await service.db.pool.fetchval("SELECT count(answer) FROM job_calls"))

    engine = await start(answer)
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    await called.wait()
    async with service.db.pool.acquire() as con, con.transaction():
        assert await queue.hold(con, job_id, engine.worker_id)
        answered.set()
        await eventually(is_journaled)
    assert (await at_end(service, job_id)).status == "completed"


async def test_a_step_reported_again_is_no_progress(service: Service[Any], start: Start) -> None:
    """Or what fails behind it would be tried for ever."""

    async def prepare_and_fail(job: RunningJob[Chore], _: int) -> dict[str, Any]:
        await job.progress("prepared")
        raise Overloaded

    await start(prepare_and_fail)
    job_id = uuid7()
    await accept(service, job_id, ANNA, steps=2)
    job = await at_end(service, job_id)
    assert (job.status, job.attempt, job.steps) == ("failed", MAX_ATTEMPTS, ("prepared",))


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

    async def takes_too_long_at_the_second(_: RunningJob[Chore], number: int) -> dict[str, Any]:
        calls.append(number)
        if calls == [0, 1]:
            raise JobTimeout
        return {}

    await start(takes_too_long_at_the_second)
    job_id = uuid7()
    await accept(service, job_id, ANNA, steps=2)
    job = await at_end(service, job_id)
    assert (job.status, job.attempt, calls) == ("completed", 2, [0, 1, 1])


async def test_a_job_that_kills_its_workers_is_given_up(service: Service[Any], start: Start) -> None:
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    await service.db.pool.execute("UPDATE job_queue SET attempts = 5")
    await start(nothing)
    job = await at_end(service, job_id)
    assert job.finished
    assert (job.status, job.finished.code) == ("failed", "worker_died")


async def test_the_last_step_is_told_of_with_the_end_of_the_job(service: Service[Any], start: Start) -> None:
    async def tell_at_the_end(job: RunningJob[Chore], _: int) -> dict[str, Any]:
        await job.progress("packed", last=True)
        assert (await state_of(service, job.job_id)).steps == ()
        return {}

    await start(tell_at_the_end)
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    assert (await at_end(service, job_id)).status == "completed"
    told = "data ->> 'step' = 'packed' OR type LIKE '%finished'"
    query = f"SELECT count(DISTINCT xmin::text) FROM events WHERE stream_id = $1 AND ({told})"
    assert await service.db.pool.fetchval(query, job_id) == 1


@pytest.mark.parametrize("outcome", ["tried again", "failed", "timed out"])
async def test_the_last_step_is_told_of_however_the_attempt_ends(
    service: Service[Any], start: Start, outcome: str
) -> None:
    attempts: list[int] = []

    async def tell_and_stumble(job: RunningJob[Chore], _: int) -> dict[str, Any]:
        attempts.append(job.attempt)
        if len(attempts) > 1:
            assert job.state.job.steps == ("packed",)
            return {}
        await job.progress("packed", last=True)
        if outcome == "timed out":
            raise JobTimeout
        raise (
            Unavailable("the ribbon is out", retry_after=0.01)
            if outcome == "tried again"
            else Invalid("never")
        )

    await start(tell_and_stumble)
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    job = await at_end(service, job_id)
    assert (job.status, job.steps[:1]) == ("failed" if outcome == "failed" else "completed", ("packed",))


IN_VAIN = {"provider": "painter", "code": "provider_bad_response", "message": "no picture", "cost": 0.5}


async def test_a_job_that_is_given_up_tells_who_was_asked_in_vain(
    service: Service[Any], start: Start
) -> None:
    async def ask_and_die(job: RunningJob[Chore], _: int) -> dict[str, Any]:
        await job.asked_in_vain("step-0", [IN_VAIN])
        await service.db.pool.execute("UPDATE job_queue SET attempts = $1", MAX_ATTEMPTS)
        raise Overloaded

    await start(ask_and_die)
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    job = await at_end(service, job_id)
    assert job.finished
    assert (job.finished.code, job.finished.cost) == ("worker_died", 0.5)


LONG = "x" * MOST_TOLD
"""More than an event holds."""


@pytest.mark.parametrize("what", ["step", "last step", "last step of an attempt that fails"])
async def test_a_job_of_which_there_is_too_much_to_tell_fails_with_that(
    service: Service[Any], start: Start, what: str
) -> None:
    """It would be as much in the next attempt."""

    async def say(job: RunningJob[Chore], _: int) -> dict[str, Any]:
        await job.progress("packed", detail=LONG, last=what != "step")
        if what.endswith("fails"):
            raise Unavailable("the ribbon is out", retry_after=0.01)
        return {}

    await start(say)
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    job = await at_end(service, job_id)
    assert job.finished
    assert (job.status, job.finished.code, job.attempt) == ("failed", "event_too_large", 1)
    assert (job.finished.retryable, len(job.finished.detail or "") < 200) == (False, True)
    assert await service.db.pool.fetchval("SELECT count(*) FROM job_queue") == 0


async def test_a_result_of_which_there_is_too_much_to_tell_is_a_failure(
    service: Service[Any], start: Start
) -> None:
    async def perform(job: RunningJob[Chore]) -> dict[str, Any]:
        await job.progress("step-0")
        return {"said": LONG}

    engine = await start(nothing)
    engine.kinds = [JobKind("chore", chores, perform)]
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    job = await at_end(service, job_id)
    assert job.finished
    assert (job.status, job.finished.code, job.steps) == ("failed", "event_too_large", ("step-0",))


async def test_what_was_asked_in_vain_costs_what_it_costs_however_much_was_said(
    service: Service[Any], start: Start
) -> None:
    async def ask(job: RunningJob[Chore], _: int) -> dict[str, Any]:
        await job.asked_in_vain("step-0", [IN_VAIN | {"message": LONG, "request_id": LONG}] * 2)
        raise Invalid(LONG, code="content_refused")

    await start(ask)
    job_id = uuid7()
    await accept(service, job_id, ANNA)
    job = await at_end(service, job_id)
    assert job.finished
    assert (job.finished.code, job.finished.cost, job.attempt) == ("content_refused", 1.0, 1)
    told = job.finished.result["failed_attempts"]
    assert [(one["provider"], one["message"]) for one in told] == [("painter", "")] * 2

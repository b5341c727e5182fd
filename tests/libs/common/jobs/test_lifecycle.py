from uuid import UUID

from libs.common.contracts.jobs import FailedAttempt
from libs.common.errors import Conflict
from libs.common.jobs.lifecycle import CancelJob, CompleteJob, FailJob, ReportProgress, StartJob
from tests.libs.common.jobs.chores import Do, JobFinished, JobProgressed, JobQueued, JobStarted, chores
from tests.spec import Spec

OWNER = UUID(int=3)
spec = Spec(chores)
queued = JobQueued(owner_id=OWNER, job_type="chore", title="a chore", total=2)
started = JobStarted(owner_id=OWNER, attempt=1)
half = JobProgressed(owner_id=OWNER, done=1, total=2, step="a")
completed = JobFinished(owner_id=OWNER, status="completed", result={"made": 2})


def test_accepted_work_is_queued_once() -> None:
    spec.given().when(Do(owner_id=OWNER, steps=2)).then(queued)
    spec.given(queued).when(Do(owner_id=OWNER, steps=2)).then()


def test_every_attempt_is_told() -> None:
    spec.given(queued).when(StartJob()).then(started)
    spec.given(queued, started).when(StartJob()).then(JobStarted(owner_id=OWNER, attempt=2))


def test_a_step_counts_once() -> None:
    spec.given(queued, started).when(ReportProgress(step="a")).then(half)
    spec.given(queued, started, half).when(ReportProgress(step="a")).then()


def test_progress_is_in_percent() -> None:
    assert half.progress == 50


def test_completion_ends_a_job_whatever_comes_later() -> None:
    spec.given(queued, started).when(CompleteJob(result={"made": 2})).then(completed)
    for late in (StartJob(), ReportProgress(step="b"), FailJob(code="x", detail="y"), CompleteJob()):
        spec.given(queued, started, completed).when(late).then()


def test_a_failure_says_why() -> None:
    spec.given(queued, started).when(FailJob(code="timeout", detail="too slow", retryable=True)).then(
        JobFinished(owner_id=OWNER, status="failed", code="timeout", detail="too slow", retryable=True)
    )


def test_a_step_may_fail_for_good() -> None:
    why = {"code": "content_refused", "detail": "not this"}
    failed = JobProgressed(owner_id=OWNER, done=1, total=2, step="a", cost=0.5, **why)
    spec.given(queued, started).when(ReportProgress(step="a", cost=0.5, **why)).then(failed)
    spec.given(queued, started, failed).when(ReportProgress(step="a")).then()


def test_a_failed_job_tells_who_was_asked_in_vain_and_what_was_not_told_of_the_cost() -> None:
    asked = FailedAttempt(provider="p", code="no", message="no", cost=0.25)
    command = FailJob(code="no", detail="no", failed_attempts={"a": [asked], "b": [asked, asked]})
    told = [{"step": step, **asked.model_dump()} for step in ("a", "b", "b")]
    spec.given(queued, started, half).when(command).then(
        JobFinished(
            owner_id=OWNER,
            status="failed",
            code="no",
            detail="no",
            result={"failed_attempts": told},
            cost=0.5,
        )
    )


def test_a_cancelled_job_tells_it_too() -> None:
    asked = FailedAttempt(provider="p", code="cancelled", message="stopped", cost=0.25)
    told = [{"step": "b", **asked.model_dump()}]
    spec.given(queued, started, half).when(CancelJob(by="me", failed_attempts={"b": [asked]})).then(
        JobFinished(
            owner_id=OWNER,
            status="cancelled",
            code="cancelled",
            detail="cancelled by its owner",
            result={"failed_attempts": told},
            cost=0.25,
        )
    )


def test_what_is_over_cannot_be_cancelled() -> None:
    spec.given(queued, started, completed).when(CancelJob(by="me")).then_refused(Conflict, "job_finished")


def test_cancelling_twice_is_cancelling_once() -> None:
    cancelled = JobFinished(
        owner_id=OWNER, status="cancelled", code="cancelled", detail="cancelled by its owner"
    )
    spec.given(queued).when(CancelJob(by="me")).then(cancelled)
    spec.given(queued, cancelled).when(CancelJob(by="me")).then()

"""The life of any job as pure functions; a slice's decider embeds them and adds its own events."""

from dataclasses import dataclass, replace
from typing import Any, Literal, Self, assert_never
from uuid import UUID

from libs.common.contracts.jobs import FailedAttempt, JobFinished, JobProgressed, JobQueued, JobStarted
from libs.common.errors import Conflict
from libs.common.messages import Command

NOBODY = UUID(int=0)
MOST_DETAIL = 500
"""In characters, where more was too much."""
Status = Literal["new", "queued", "processing", "completed", "failed", "cancelled"]


class StartJob(Command):
    """A worker took the job."""


class ReportProgress(Command):
    """One more step is finished; `step` names it, so that a repeated report counts once.

    `code` and `detail` say why one has failed for good.
    """

    step: str
    cost: float = 0.0
    code: str | None = None
    detail: str | None = None


class CompleteJob(Command):
    result: dict[str, Any] = {}


class EndInVain(Command):
    """`failed_attempts` by step: who was asked in vain."""

    failed_attempts: dict[str, list[FailedAttempt]] = {}

    def in_brief(self) -> Self:
        """With what the attempts cost, and without what was said of them."""
        tried = {
            step: [
                FailedAttempt(provider=one.provider, code=one.code, message="", cost=one.cost) for one in told
            ]
            for step, told in self.failed_attempts.items()
        }
        return self.model_copy(update={"failed_attempts": tried})


class FailJob(EndInVain):
    code: str
    detail: str
    retryable: bool = False

    def in_brief(self) -> Self:
        return super().in_brief().model_copy(update={"detail": self.detail[:MOST_DETAIL]})


class CancelJob(EndInVain):
    by: str


JobCommand = StartJob | ReportProgress | CompleteJob | FailJob | CancelJob
JobEvent = JobQueued | JobStarted | JobProgressed | JobFinished


@dataclass(frozen=True, slots=True)
class JobEvents:
    """One service's four job events."""

    queued: type[JobQueued]
    started: type[JobStarted]
    progressed: type[JobProgressed]
    finished: type[JobFinished]


@dataclass(frozen=True, slots=True)
class Job:
    status: Status = "new"
    owner_id: UUID = NOBODY
    job_type: str = ""
    attempt: int = 0
    total: int = 1
    steps: tuple[str, ...] = ()
    failures: tuple[JobProgressed, ...] = ()
    """The steps that failed for good."""
    finished: JobFinished | None = None

    @property
    def over(self) -> bool:
        return self.finished is not None


def decide(command: JobCommand, job: Job, events: JobEvents) -> list[JobEvent]:
    """Refuses only to cancel what is over; anything else that comes too late changes nothing."""
    owner = job.owner_id
    match command:
        case CancelJob() if job.over and job.status != "cancelled":
            raise Conflict(f"the job is {job.status} already", code="job_finished")
        case _ if job.over or job.status == "new":
            return []
        case StartJob():
            return [events.started(owner_id=owner, attempt=job.attempt + 1)]
        case ReportProgress():
            if command.step in job.steps:
                return []
            done = len(job.steps) + 1
            return [events.progressed(owner_id=owner, done=done, total=job.total, **command.model_dump())]
        case CompleteJob(result=result):
            return [events.finished(owner_id=owner, status="completed", result=result)]
        case FailJob(code=code, detail=detail, retryable=retryable):
            why = {"code": code, "detail": detail, "retryable": retryable}
            return [events.finished(owner_id=owner, status="failed", **why, **_in_vain(command, job))]
        case CancelJob():
            why = {"code": "cancelled", "detail": "cancelled by its owner"}
            return [events.finished(owner_id=owner, status="cancelled", **why, **_in_vain(command, job))]
    assert_never(command)


def _in_vain(command: EndInVain, job: Job) -> dict[str, Any]:
    """Who was asked, and what it has cost in the steps whose own cost was not told with their progress."""
    attempts = [(step, one) for step, tried in command.failed_attempts.items() for one in tried]
    told = [{"step": step, **one.model_dump()} for step, one in attempts]
    cost = sum(one.cost or 0.0 for step, one in attempts if step not in job.steps)
    return {"result": {"failed_attempts": told} if told else {}, "cost": cost}


def evolve(job: Job, event: JobEvent) -> Job:
    match event:
        case JobQueued():
            return replace(
                job, status="queued", owner_id=event.owner_id, job_type=event.job_type, total=event.total
            )
        case JobStarted():
            return replace(job, status="processing", attempt=event.attempt)
        case JobProgressed():
            failures = (*job.failures, event) if event.code else job.failures
            return replace(job, steps=(*job.steps, event.step), failures=failures)
        case JobFinished():
            return replace(job, status=event.status, finished=event)
    assert_never(event)

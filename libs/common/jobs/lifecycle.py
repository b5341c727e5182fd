"""The life of any job as pure functions; a slice's decider embeds them and adds its own events."""

from dataclasses import dataclass, replace
from typing import Any, Literal, assert_never
from uuid import UUID

from libs.common.contracts.jobs import JobFinished, JobProgressed, JobQueued, JobStarted
from libs.common.errors import Conflict
from libs.common.messages import Command

NOBODY = UUID(int=0)
Status = Literal["new", "queued", "processing", "completed", "failed", "cancelled"]


class StartJob(Command):
    """A worker took the job."""


class ReportProgress(Command):
    """One more step is finished; `step` names it, so that a repeated report counts once."""

    step: str
    cost: float = 0.0


class CompleteJob(Command):
    result: dict[str, Any] = {}


class FailJob(Command):
    code: str
    detail: str
    retryable: bool = False


class CancelJob(Command):
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
        case ReportProgress(step=step, cost=cost):
            if step in job.steps:
                return []
            done = len(job.steps) + 1
            return [events.progressed(owner_id=owner, done=done, total=job.total, step=step, cost=cost)]
        case CompleteJob(result=result):
            return [events.finished(owner_id=owner, status="completed", result=result)]
        case FailJob(code=code, detail=detail, retryable=retryable):
            return [
                events.finished(
                    owner_id=owner, status="failed", code=code, detail=detail, retryable=retryable
                )
            ]
        case CancelJob():
            return [
                events.finished(
                    owner_id=owner, status="cancelled", code="cancelled", detail="cancelled by its owner"
                )
            ]
    assert_never(command)


def evolve(job: Job, event: JobEvent) -> Job:
    match event:
        case JobQueued():
            return replace(
                job, status="queued", owner_id=event.owner_id, job_type=event.job_type, total=event.total
            )
        case JobStarted():
            return replace(job, status="processing", attempt=event.attempt)
        case JobProgressed():
            return replace(job, steps=(*job.steps, event.step))
        case JobFinished():
            return replace(job, status=event.status, finished=event)
    assert_never(event)

"""What every job tells, whichever service runs it. Each service subclasses these under its own event names."""

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from libs.common.contracts import PublicEvent

FinalStatus = Literal["completed", "failed", "cancelled"]


class FailedAttempt(BaseModel):
    """Somebody outside who was asked and could not do it; without a model, it was not even asked.

    `cost` in US dollars, where an answer that was of no use had to be paid for.
    """

    provider: str
    code: str
    message: str
    request_id: str | None = None
    model: str | None = None
    latency_ms: float | None = None
    cost: float | None = None


class JobQueued(PublicEvent):
    """`total` is the number of steps the job counts its progress in."""

    owner_id: UUID
    job_type: str
    title: str
    product_id: UUID | None = None
    total: int = 1


class JobStarted(PublicEvent):
    """A worker took the job; `attempt` counts from 1 and grows when a worker died or a step will be tried again."""

    owner_id: UUID
    attempt: int


class JobProgressed(PublicEvent):
    """`done` of `total` steps are finished; `step` names the last one.

    `code` and `detail` say why that one has failed for good.
    """

    owner_id: UUID
    done: int
    total: int
    step: str
    cost: float = 0.0
    code: str | None = None
    detail: str | None = None

    @property
    def progress(self) -> int:
        """Percent."""
        return min(100, 100 * self.done // max(1, self.total))


class JobFinished(PublicEvent):
    """The job's end. `code`, `detail` and `retryable` say why it failed; `result` names what it made.

    The `result` of a job that failed or was cancelled has `failed_attempts`: who was asked in vain, and at which
    `step`. `cost` is that of steps which were never finished.
    """

    owner_id: UUID
    status: FinalStatus
    result: dict[str, Any] = {}
    code: str | None = None
    detail: str | None = None
    retryable: bool = False
    cost: float = 0.0

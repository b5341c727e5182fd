"""What a client gets to see of jobs."""

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from libs.common.http import Timestamp

Status = Literal["queued", "processing", "completed", "failed", "cancelled"]


class Links(BaseModel):
    job: str
    stream: str
    cancel: str


class Progress(BaseModel):
    """Finished steps of all; what a step is depends on the job: a picture, or a stage of an analysis.

    `failed` of the finished ones failed for good.
    """

    completed: int
    failed: int
    total: int


class JobBody(BaseModel):
    """`result` is what it made; `code`, `error_message` and `retryable` say why it failed; `cost` in dollars.

    The `result` of a failed job has `failed_attempts`: who was asked in vain, at which `step`.

    A job that has only just been accepted may have no title, product and times for a moment.
    """

    id: UUID
    job_id: UUID
    user_id: UUID
    service: str
    job_type: str
    title: str | None
    product_id: UUID | None
    status: Status
    progress: Progress
    attempts: int
    cost: float
    result: dict[str, Any]
    code: str | None
    error_message: str | None
    retryable: bool | None
    created_at: Timestamp | None
    started_at: Timestamp | None
    completed_at: Timestamp | None
    updated_at: Timestamp | None
    links: Links


class Step(BaseModel):
    id: UUID
    step_name: str
    status: Literal["completed", "failed"]
    started_at: Timestamp
    completed_at: Timestamp
    duration_ms: int
    error_message: str | None
    result_data: dict[str, Any]


class JobDetailBody(JobBody):
    """`queue_position` counts the jobs before this one while it waits; 0 is the next."""

    queue_position: int | None
    steps: list[Step]


def links_of(job_id: UUID) -> dict[str, str]:
    job = f"/api/v1/jobs/{job_id}"
    return {"job": job, "stream": f"{job}/stream", "cancel": job}

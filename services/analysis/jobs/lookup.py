"""One job of a caller: from the read model, or until it appears there from the service that runs it."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from libs.common.errors import NotFound, Unavailable
from libs.common.service import Service
from services.analysis.jobs.activity import SOURCES, find, jobs
from services.analysis.jobs.bodies import JobBody, links_of

Job = Mapping[str, Any]
"""The columns of `jobs`."""

_SHOWN = JobBody.model_fields.keys() & set(jobs.c.keys())
_UNKNOWN_YET = dict.fromkeys(
    ("title", "product_id", "created_at", "started_at", "completed_at", "updated_at")
)


async def find_job(service: Service[Any], owner_id: UUID, job_id: UUID) -> Job:
    """Raises NotFound for a stranger's job, and Unavailable while nobody can tell whether it exists."""
    job: Job = await service.db.fetchrow(find(job_id=job_id)) or await _ask(service, job_id)
    if job["owner_id"] != owner_id:
        raise _unknown()
    return job


async def queue_position(service: Service[Any], job: Job) -> int | None:
    """How many jobs are before a waiting one; None for any other, or while its service is away."""
    if job["status"] != "queued":
        return None
    try:
        answer = await service.bus.ask(job["service"], "job", {"job_id": str(job["job_id"])})
    except (NotFound, Unavailable):
        return None
    position: int | None = answer["queue_position"]
    return position


def present(job: Job) -> dict[str, Any]:
    """A job as answers show it."""
    return {name: job[name] for name in _SHOWN} | {
        "id": job["job_id"],
        "user_id": job["owner_id"],
        "error_message": job["detail"],
        "progress": {name: job[name] for name in ("completed", "failed", "total")},
        "links": links_of(job["job_id"]),
    }


async def _ask(service: Service[Any], job_id: UUID) -> Job:
    question = {"job_id": str(job_id)}
    answers = await asyncio.gather(
        *(service.bus.ask(source, "job", question) for source in SOURCES), return_exceptions=True
    )
    for source, answer in zip(SOURCES, answers, strict=True):
        if isinstance(answer, dict):
            return _as_row(source, answer)
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, NotFound):
            raise answer
    raise _unknown()


def _unknown() -> NotFound:
    return NotFound("no such job", code="job_not_found")


def _as_row(source: str, answer: dict[str, Any]) -> Job:
    same = ("status", "attempts", "completed", "total", "code", "detail")
    return {
        **_UNKNOWN_YET,
        **{name: answer[name] for name in same},
        "job_id": UUID(answer["job_id"]),
        "owner_id": UUID(answer["owner_id"]),
        "service": source,
        "job_type": answer["type"],
        "failed": answer.get("failed", 0),  # a service of an older version does not tell
        "result": answer["result"] or {},
        "cost": 0.0,
        "retryable": None,
        "version": 0,
    }

"""HTTP of jobs, whichever service runs them. Whatever is not the caller's own does not exist."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any
from uuid import UUID, uuid5

import asyncpg
from fastapi import Depends, Header, Query
from starlette.responses import Response, StreamingResponse

from libs.common.http import Db, Json, Page, Paging, ServiceDep, paging, router
from libs.common.http.following import DOCUMENTED, server_sent
from libs.common.identity import CurrentUser, StreamUser
from libs.common.values import Text
from services.analysis.jobs import pages
from services.analysis.jobs.activity import messages_after
from services.analysis.jobs.bodies import JobBody, JobDetailBody, Status
from services.analysis.jobs.follow import follow_from
from services.analysis.jobs.lookup import find_job, present, queue_position

routes = router("jobs")

JobPaging = Annotated[Paging, Depends(paging(["created_at"]))]
LastEventId = Annotated[int | None, Header(ge=0, lt=2**31)]


@routes.get("/jobs", response_model=Page[JobBody])
async def list_jobs(
    user: CurrentUser,
    db: Db,
    page: JobPaging,
    job_type: Annotated[Text | None, Query(alias="type")] = None,
    status: Status | None = None,
    product_id: UUID | None = None,
) -> Json:
    wanted = {"type": job_type, "status": status, "product_id": product_id}
    given = {name: value for name, value in wanted.items() if value is not None}
    found = await pages.find_page(db, user.id, given, page)
    return page.answer([present(row) for row in found.rows], found.total, found.next_after)


@routes.get("/jobs/{job_id}", response_model=JobDetailBody)
async def get_job(job_id: UUID, user: CurrentUser, service: ServiceDep) -> Json:
    job = await find_job(service, user.id, job_id)
    told = await service.db.fetch(messages_after(job_id=job_id, after=0))
    more = {"queue_position": await queue_position(service, job), "steps": _steps(job_id, told)}
    return Json(present(job) | more)


@routes.delete("/jobs/{job_id}", status_code=204)
async def cancel_job(job_id: UUID, user: CurrentUser, service: ServiceDep) -> None:
    """A waiting job ends at once, a running one when its worker has let go of it."""
    job = await find_job(service, user.id, job_id)
    question = {"job_id": str(job_id), "owner_id": str(user.id)}
    await service.bus.ask(job["service"], "cancel_job", question)


@routes.get(
    "/jobs/{job_id}/stream",
    response_class=StreamingResponse,
    responses=DOCUMENTED,
)
async def stream_job(
    job_id: UUID, user: StreamUser, service: ServiceDep, last_event_id: LastEventId = None
) -> Response:
    """A snapshot, then every message of the job as a server-sent event whose id is the job's version."""
    job = await find_job(service, user.id, job_id)
    if job["completed_at"] and last_event_id is not None and last_event_id >= job["version"]:
        return Response(status_code=204)
    return server_sent(follow_from(service, job, last_event_id))


def _steps(job_id: UUID, told: Sequence[asyncpg.Record]) -> list[dict[str, Any]]:
    """The finished steps; each began when the one before it, or the attempt, was told."""
    return [
        {
            "id": uuid5(job_id, row["step"]),
            "step_name": row["step"],
            "status": row["status"],
            "started_at": before["occurred_at"],
            "completed_at": row["occurred_at"],
            "duration_ms": round((row["occurred_at"] - before["occurred_at"]).total_seconds() * 1000),
            "error_message": row["data"].get("detail"),
            "result_data": row["data"],
        }
        for before, row in pairwise(told)
        if row["step"]
    ]

"""HTTP of try-ons: a person's photo and garments in, pictures out. Whatever is not the caller's own does not exist."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, UploadFile
from uuid_utils.compat import uuid7

from libs.common.database import Reader, Transaction
from libs.common.errors import Conflict, NotFound
from libs.common.http import (
    MEGABYTE,
    Db,
    Json,
    Objects,
    Page,
    Paging,
    ServiceDep,
    Tx,
    paging,
    policy,
    router,
)
from libs.common.http.uploads import kept
from libs.common.identity import CurrentUser
from libs.common.jobs import queue
from libs.common.service import Service
from libs.providers.base import Capability
from libs.providers.directory import Directory
from services.generation.images import gallery
from services.generation.models.estimates import CostBody, cost_of
from services.generation.models.registry import DirectoryDep
from services.generation.requests.domain import JOB_TYPE, generations
from services.generation.requests.views import links_of
from services.generation.tryon import try_ons
from services.generation.tryon.acceptance import command, folder_of, received
from services.generation.tryon.bodies import (
    ESTIMATED_SECONDS,
    Garment,
    Options,
    ResultBody,
    Status,
    TryOnAcceptedBody,
    TryOnBody,
    garments_by_place,
    one_garment,
    options,
    person_photo,
)
from services.generation.tryon.views import STATES, present

routes = router("try-ons")
TryOnPaging = Annotated[Paging, Depends(paging(["created_at"]))]
Wanted = Annotated[Options, Depends(options)]
Person = Annotated[UploadFile, Depends(person_photo)]
EITHER: dict[int | str, dict[str, Any]] = {200: {"model": CostBody, "description": "The answer to `dry_run`"}}
LARGEST_PHOTO = 6 * MEGABYTE


@routes.post("/tryon", status_code=202, response_model=TryOnAcceptedBody, responses=EITHER)
@policy(limit="process", max_body=3 * LARGEST_PHOTO)
async def try_on(
    person: Person,
    garments: Annotated[list[Garment], Depends(one_garment)],
    wanted: Wanted,
    user: CurrentUser,
    service: ServiceDep,
    directory: DirectoryDep,
    tx: Tx,
) -> Json:
    """The person in the garment, `num_samples` times; answers at once, the pictures follow."""
    return await _accept(user.id, person, garments, wanted, service, directory, tx)


@routes.post("/tryon/multi", status_code=202, response_model=TryOnAcceptedBody, responses=EITHER)
@policy(limit="process", max_body=4 * LARGEST_PHOTO)
async def try_on_several(
    person: Person,
    garments: Annotated[list[Garment], Depends(garments_by_place)],
    wanted: Wanted,
    user: CurrentUser,
    service: ServiceDep,
    directory: DirectoryDep,
    tx: Tx,
) -> Json:
    """The person in a top and a bottom."""
    return await _accept(user.id, person, garments, wanted, service, directory, tx)


@routes.get("/tryon", response_model=Page[TryOnBody])
async def list_try_ons(
    user: CurrentUser, db: Db, objects: Objects, page: TryOnPaging, status: Status | None = None
) -> Json:
    found = await try_ons.find_page(db, user.id, STATES[status] if status else None, page)
    images = await gallery.by_request(db, [row["request_id"] for row in found.rows])
    shown = [present(row, images[row["request_id"]], objects.url) for row in found.rows]
    return page.answer(shown, found.total, found.next_after)


@routes.get("/job/{job_id}", response_model=TryOnBody)
async def get_try_on(job_id: UUID, user: CurrentUser, db: Db, objects: Objects) -> Json:
    row = await _find(db, job_id, user.id)
    return Json(present(row, await db.fetch(gallery.of_requests(requests=[job_id])), objects.url))


@routes.get("/job/{job_id}/result", response_model=ResultBody)
async def get_result(job_id: UUID, user: CurrentUser, db: Db, objects: Objects) -> Json:
    """The pictures alone; 409 `not_ready` before they are there, and `job_failed` if they never will be."""
    row = await _find(db, job_id, user.id)
    images = await db.fetch(gallery.of_requests(requests=[job_id]))
    if row["status"] in ("queued", "processing"):
        raise Conflict("the try-on is not done yet", code="not_ready", retry_after=1)
    if not images:
        raise Conflict(row["error_message"] or "its pictures are deleted", code="job_failed")
    urls = [objects.url(image["key"]) for image in images]
    return Json({"job_id": job_id, "result_url": urls[0], "result_urls": urls})


async def _accept(
    owner_id: UUID,
    person: UploadFile,
    garments: list[Garment],
    wanted: Options,
    service: Service[Any],
    directory: Directory,
    tx: Transaction,
) -> Json:
    choice = directory.choose(
        Capability.TRY_ON, provider=wanted.provider, model=wanted.model, fallback=wanted.fallback
    )
    if wanted.dry_run:
        return Json(cost_of(directory, choice, wanted.samples, wanted.resolution))
    request_id = uuid7()
    uploads = await received(person, garments, folder_of(owner_id, request_id), LARGEST_PHOTO)
    asked = command(owner_id, request_id, uploads, garments, wanted, choice, datetime.now(UTC))
    async with kept(service.objects, uploads):
        await queue.enqueue(tx, JOB_TYPE, request_id, owner_id, service.settings.queue_max)
        await tx.handle(generations, request_id, asked, new=True)
    answer = {
        "job_id": request_id,
        "request_id": request_id,
        "status": "queued",
        "estimated_time": ESTIMATED_SECONDS,
        "links": links_of(request_id),
    }
    return Json(answer, 202, {"location": f"/api/v1/job/{request_id}"})


async def _find(db: Reader, request_id: UUID, owner_id: UUID) -> Mapping[str, Any]:
    row: Mapping[str, Any] | None = await db.fetchrow(try_ons.find(id=request_id, owner=owner_id))
    if row is None:
        raise NotFound("no such try-on", code="job_not_found")
    return row

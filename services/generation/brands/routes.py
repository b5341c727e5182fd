"""HTTP of brand projects and their logos. Whatever is not the caller's own does not exist."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Request
from starlette.responses import Response, StreamingResponse
from uuid_utils.compat import uuid7

from libs.common.contracts.generation import PinnedImage
from libs.common.database import Reader
from libs.common.errors import NotFound, Unavailable
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
from libs.common.http.following import DOCUMENTED, server_sent
from libs.common.http.uploads import kept, look_at
from libs.common.identity import CurrentUser, StreamUser
from libs.common.jobs import queue
from libs.common.service import Service
from libs.providers.base import Capability
from services.generation.brands import assets, projects
from services.generation.brands.acceptance import Parent, choose, first_logos, refinement
from services.generation.brands.bodies import (
    MOST_INSPIRATION,
    AssetBody,
    AssetsBody,
    ProjectAcceptedBody,
    ProjectBody,
    ProjectForm,
    RefineAcceptedBody,
    RefineBody,
    links_of,
    project_form,
)
from services.generation.brands.domain import CreateProject, Inspiration
from services.generation.brands.domain import projects as project_streams
from services.generation.brands.stream import Followed
from services.generation.brands.views import present_project
from services.generation.models.estimates import CostBody, cost_of
from services.generation.models.registry import DirectoryDep
from services.generation.requests.domain import JOB_TYPE, generations
from services.generation.requests.views import accepted

routes = router("brands")
ProjectPaging = Annotated[Paging, Depends(paging(projects.SORTS))]
LastEventId = Annotated[int | None, Header(ge=0, lt=2**31)]
EITHER: dict[int | str, dict[str, Any]] = {
    200: {"model": CostBody, "description": "The answer to `dry_run`: of the pictures; prompts come on top"}
}
MAX_UPLOAD = MOST_INSPIRATION * 10 * MEGABYTE + MEGABYTE


@routes.post("/projects", status_code=201, response_model=ProjectAcceptedBody, responses=EITHER)
@policy(limit="upload", max_body=MAX_UPLOAD)
async def create_project(
    request: Request,
    form: Annotated[ProjectForm, Depends(project_form)],
    user: CurrentUser,
    service: ServiceDep,
    directory: DirectoryDep,
    tx: Tx,
) -> Json:
    """A brand, and its first logos: answers at once, prompts and logos follow on `stream_url`."""
    choice = choose(directory, Capability.GENERATE, form.wanted)
    if form.wanted.dry_run:
        return Json(cost_of(directory, choice, form.wanted.count, form.wanted.resolution))
    project_id, request_id = uuid7(), uuid7()
    folder = f"inspiration-images/{user.id}/{project_id}"
    uploads = await look_at(
        form.inspiration,
        folder,
        service.settings.max_upload_size_bytes,
        field="inspiration_images[]",
        least=0,
        most=MOST_INSPIRATION,
    )
    inspiration = [Inspiration(reference_id=upload.id, **upload.facts()) for upload in uploads]
    command = first_logos(user.id, project_id, form, inspiration, choice, datetime.now(UTC))
    created = CreateProject(
        owner_id=user.id, brief=form.brief, inspiration=inspiration, request_id=request_id
    )
    ticket = await _ticket(service, request)
    async with kept(service.objects, uploads):
        await queue.enqueue(tx, JOB_TYPE, request_id, user.id, service.settings.queue_max)
        await tx.handle(project_streams, project_id, created, new=True)
        await tx.handle(generations, request_id, command, new=True)
    links = links_of(project_id, request_id)
    answer = {
        "project_id": project_id,
        "request_id": request_id,
        "job_id": request_id,
        "status": "pending",
        "stream_url": links["stream"] + ticket,
        "asset_ids": _ids(command.images),
        "links": links,
    }
    return Json(answer, 201, {"location": links["project"]})


@routes.get("/projects", response_model=Page[ProjectBody])
async def list_projects(user: CurrentUser, db: Db, objects: Objects, page: ProjectPaging) -> Json:
    found = await projects.find_page(db, user.id, page)
    shown = [present_project(row, objects.url) for row in found.rows]
    return page.answer(shown, found.total, found.next_after)


@routes.get("/projects/{project_id}", response_model=ProjectBody)
async def get_project(project_id: UUID, user: CurrentUser, db: Db, objects: Objects) -> Json:
    row = await _find_project(db, project_id, user.id)
    return Json(present_project(row, objects.url), version=row["version"])


@routes.get("/projects/{project_id}/stream", response_class=StreamingResponse, responses=DOCUMENTED)
async def stream_project(
    project_id: UUID, user: StreamUser, service: ServiceDep, last_event_id: LastEventId = None
) -> Response:
    """A snapshot, then the prompts and each of the first logos as it is made; `job_id` follows later ones."""
    row = await _find_project(service.db, project_id, user.id)
    followed = Followed(service, user.id, project_id, row["request_id"])
    if last_event_id is not None and row["completed_at"] and not await followed.told(last_event_id):
        return Response(status_code=204)
    project = present_project(row, service.objects.url)
    return server_sent(followed.messages(project, last_event_id))


@routes.get("/projects/{project_id}/assets", response_model=AssetsBody)
async def list_assets(project_id: UUID, user: CurrentUser, db: Db, objects: Objects) -> Json:
    """Everything made for the brand, oldest first; what was refined lies below what it was made from."""
    await _find_project(db, project_id, user.id)
    rows = await db.fetch(assets.of_project(project=project_id, owner=user.id))
    shown = [assets.present(row, objects.url) for row in rows]
    return Json({"items": assets.tree(shown), "total": len(shown)})


@routes.get("/assets/{asset_id}", response_model=AssetBody)
async def get_asset(asset_id: UUID, user: CurrentUser, db: Db, objects: Objects) -> Json:
    return Json(assets.present(await _find_asset(db, asset_id, user.id), objects.url))


@routes.post(
    "/assets/{asset_id}/refine", status_code=202, response_model=RefineAcceptedBody, responses=EITHER
)
@policy(limit="process")
async def refine_asset(
    asset_id: UUID,
    body: RefineBody,
    user: CurrentUser,
    service: ServiceDep,
    directory: DirectoryDep,
    tx: Tx,
) -> Json:
    """Changes a logo by an instruction; the logo stays, and what comes of it is linked to it."""
    parent = Parent.of(await _find_asset(service.db, asset_id, user.id))
    choice = choose(directory, Capability.EDIT, body)
    if body.dry_run:
        return Json(cost_of(directory, choice, body.count, parent.resolution))
    request_id = uuid7()
    command = refinement(user.id, parent, body, choice, datetime.now(UTC))
    await queue.enqueue(tx, JOB_TYPE, request_id, user.id, service.settings.queue_max)
    await tx.handle(generations, request_id, command, new=True)
    answer = accepted(request_id) | {"project_id": parent.project_id, "asset_ids": _ids(command.images)}
    return Json(answer, 202, {"location": answer["links"]["request"]})


def _ids(images: list[PinnedImage]) -> list[UUID]:
    return [image.image_id for image in images]


async def _ticket(service: Service[Any], request: Request) -> str:
    """What makes an address good for a browser, which sends no header; nothing while auth is away."""
    token = request.headers["authorization"].partition(" ")[2].strip()
    try:
        answer = await service.bus.ask("auth", "issue_ticket", {"token": token})
    except Unavailable:
        return ""
    return f"?ticket={answer['ticket']}"


async def _find_project(db: Reader, project_id: UUID, owner_id: UUID) -> Mapping[str, Any]:
    row: Mapping[str, Any] | None = await db.fetchrow(projects.find(id=project_id, owner=owner_id))
    if row is None:
        raise NotFound("no such project", code="project_not_found")
    return row


async def _find_asset(db: Reader, asset_id: UUID, owner_id: UUID) -> Mapping[str, Any]:
    row: Mapping[str, Any] | None = await db.fetchrow(assets.find(id=asset_id, owner=owner_id))
    if row is None:
        raise NotFound("no such asset", code="asset_not_found")
    return row

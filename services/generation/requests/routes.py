"""Generation requests: accept, follow, cancel, make again."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import Depends
from uuid_utils.compat import uuid7

from libs.common.database import Reader, Transaction
from libs.common.errors import NotFound
from libs.common.http import Db, Json, Objects, Page, Paging, ServiceDep, Tx, paging, policy, router
from libs.common.identity import CurrentUser
from libs.common.jobs import queue
from libs.common.jobs.answers import cancel_job
from libs.providers.base import Capability
from libs.providers.directory import Choice, Directory
from libs.refs.products import require_product
from services.generation.images import gallery
from services.generation.images.bodies import ImageBody, present
from services.generation.models.estimates import cost_of
from services.generation.models.registry import DirectoryDep
from services.generation.requests import generation_requests
from services.generation.requests.acceptance import Basis, basis_of, pin
from services.generation.requests.bodies import (
    AcceptedBody,
    EstimateBody,
    GenerateBody,
    GenerationRequestBody,
    RerunBody,
    Wish,
)
from services.generation.requests.domain import JOB_TYPE, generations
from services.generation.requests.rerun import basis_again, wish_again
from services.generation.requests.views import accepted, present_request

routes = router("generation requests")
RequestPaging = Annotated[Paging, Depends(paging(["created_at"]))]
EITHER: dict[int | str, dict[str, Any]] = {
    200: {"model": EstimateBody, "description": "The answer to `dry_run`"}
}


@routes.post(
    "/products/{product_id}/generate", status_code=202, response_model=AcceptedBody, responses=EITHER
)
@policy(limit="process")
async def generate(
    product_id: UUID,
    body: GenerateBody,
    user: CurrentUser,
    service: ServiceDep,
    directory: DirectoryDep,
    tx: Tx,
) -> Json:
    """Makes `count` pictures of the product in a scene; answers at once, the pictures follow."""
    choice = _choose(directory, body)
    basis = await basis_of(service.bus, user.id, product_id, body)
    if body.dry_run:
        return Json(_estimate(directory, choice, basis, body))
    return await _accept(tx, user.id, basis, body, choice, service.settings.queue_max)


@routes.post(
    "/generation-requests/{request_id}/rerun", status_code=202, response_model=AcceptedBody, responses=EITHER
)
@policy(limit="process")
async def rerun(
    request_id: UUID,
    user: CurrentUser,
    service: ServiceDep,
    directory: DirectoryDep,
    tx: Tx,
    body: RerunBody | None = None,
) -> Json:
    """Makes the pictures again from the same pins; what the body gives is done otherwise."""
    body = body or RerunBody()
    earlier = (await tx.state(generations, request_id)).state.request
    await tx.commit()  # nothing is held while others are asked
    if earlier is None or earlier.owner_id != user.id:
        raise NotFound("no such generation request", code="generation_request_not_found")
    wish = wish_again(earlier, body)
    choice = _choose(directory, wish)
    basis = await basis_again(service.bus, request_id, earlier, body)
    if body.dry_run:
        return Json(_estimate(directory, choice, basis, wish))
    return await _accept(tx, user.id, basis, wish, choice, service.settings.queue_max)


@routes.get("/generation-requests/{request_id}", response_model=GenerationRequestBody)
async def get_request(request_id: UUID, user: CurrentUser, db: Db, objects: Objects) -> Json:
    row = await _find(db, request_id, user.id)
    images = await db.fetch(gallery.of_requests(requests=[request_id]))
    return Json(present_request(row, images, objects.url))


@routes.get("/generation-requests/{request_id}/images", response_model=list[ImageBody])
async def get_images(request_id: UUID, user: CurrentUser, db: Db, objects: Objects) -> Json:
    await _find(db, request_id, user.id)
    images = await db.fetch(gallery.of_requests(requests=[request_id]))
    return Json([present(image, objects.url) for image in images])


@routes.delete("/generation-requests/{request_id}", status_code=204)
async def cancel(request_id: UUID, user: CurrentUser, tx: Tx) -> None:
    """Stops it; pictures that are made already stay. 409 `job_finished` for one that is over."""
    await cancel_job(tx, generations, request_id, user.id, lambda generation: generation.job)


@routes.get("/products/{product_id}/generations", response_model=Page[GenerationRequestBody])
async def list_generations(
    product_id: UUID, user: CurrentUser, db: Db, service: ServiceDep, objects: Objects, page: RequestPaging
) -> Json:
    await require_product(db, service.bus, user.id, product_id)
    found = await generation_requests.find_page(db, user.id, product_id, page)
    images = await gallery.by_request(db, [row["request_id"] for row in found.rows])
    items = [present_request(row, images[row["request_id"]], objects.url) for row in found.rows]
    return page.answer(items, found.total, found.next_after)


def _choose(directory: Directory, wish: Wish) -> Choice:
    return directory.choose(
        Capability.GENERATE, provider=wish.provider, model=wish.model, fallback=wish.fallback
    )


async def _accept(
    tx: Transaction, owner_id: UUID, basis: Basis, wish: Wish, choice: Choice, limit: int
) -> Json:
    request_id = uuid7()
    await queue.enqueue(tx, JOB_TYPE, request_id, owner_id, limit)
    await tx.handle(generations, request_id, pin(owner_id, basis, wish, choice, datetime.now(UTC)), new=True)
    answer = accepted(request_id)
    return Json(answer, 202, {"location": answer["links"]["request"]})


def _estimate(directory: Directory, choice: Choice, basis: Basis, wish: Wish) -> dict[str, Any]:
    specification = basis.specification
    return cost_of(directory, choice, wish.count, wish.resolution) | {
        "final_prompt": basis.final_prompt,
        "specification_id": specification.specification_id if specification else None,
        "specification_version": specification.version if specification else None,
        "references": basis.references,
    }


async def _find(db: Reader, request_id: UUID, owner_id: UUID) -> asyncpg.Record:
    row = await db.fetchrow(generation_requests.find(id=request_id, owner=owner_id))
    if row is None:
        raise NotFound("no such generation request", code="generation_request_not_found")
    return row

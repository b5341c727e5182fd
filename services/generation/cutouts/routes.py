"""HTTP of removed backgrounds: a photo in, a transparent PNG out."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, File, Header, UploadFile
from starlette.responses import RedirectResponse, Response
from uuid_utils.compat import uuid7

from libs.common.contracts.generation import GenerationCompleted, PinnedPhoto
from libs.common.errors import Conflict, Invalid
from libs.common.http import MEGABYTE, Accepted, Db, Json, Objects, ServiceDep, Tx, policy, router
from libs.common.http.accept import preferred
from libs.common.http.uploads import Upload, kept, look_at
from libs.common.identity import CurrentUser
from libs.common.jobs import queue
from libs.common.objects import ObjectStore
from libs.providers.base import Capability
from libs.providers.directory import Choice
from libs.providers.prompts.background import REMOVE, TEMPLATE
from services.generation.cutouts.bodies import CutoutBody, Wanted, wanted
from services.generation.images import gallery
from services.generation.images.bodies import present
from services.generation.models.estimates import CostBody, cost_of
from services.generation.models.registry import DirectoryDep
from services.generation.requests.acceptance import planned
from services.generation.requests.bodies import AcceptedBody
from services.generation.requests.domain import CUTOUT, JOB_TYPE, RequestGeneration, generations
from services.generation.requests.ending import wait_for_end, why_not
from services.generation.requests.views import accepted as accepted_body
from services.generation.requests.views import links_of

routes = router("backgrounds")
LARGEST_PHOTO = 6 * MEGABYTE
PNG = "image/png"
EITHER: dict[int | str, dict[str, Any]] = {
    200: {"model": CutoutBody | CostBody, "description": "The picture, or the answer to `dry_run`"},
    202: {"model": AcceptedBody},
    303: {"description": "To the PNG, for `Accept: image/png`"},
}


@routes.post("/remove-bg", response_model=CutoutBody, responses=EITHER)
@policy(limit="process", max_body=2 * LARGEST_PHOTO)
async def remove_background(
    user: CurrentUser,
    service: ServiceDep,
    directory: DirectoryDep,
    objects: Objects,
    db: Db,
    tx: Tx,
    accepted: Accepted,
    asked: Annotated[Wanted, Depends(wanted)],
    image: Annotated[UploadFile | None, File(description="a jpeg, png or webp")] = None,
    accept: Annotated[str, Header()] = "",
    prefer: Annotated[str, Header()] = "",
) -> Response:
    """With `Prefer: respond-async`, or when it takes longer than is waited for, the answer is 202."""
    choice = directory.choose(
        Capability.REMOVE_BACKGROUND, provider=asked.provider, model=asked.model, fallback=asked.fallback
    )
    if asked.dry_run:
        return Json(cost_of(directory, choice, 1, "2K"))
    if image is None:
        raise Invalid("send the picture in the field image", code="image_missing")
    request_id = uuid7()
    folder = f"generated-assets/{user.id}/{request_id}"
    uploads = await look_at([image], folder, LARGEST_PHOTO, field="image", least=1, most=1)
    command = _command(user.id, folder, uploads[0], asked, choice)
    async with kept(service.objects, uploads):
        await queue.enqueue(tx, JOB_TYPE, request_id, user.id, service.settings.queue_max)
        await tx.handle(generations, request_id, command, new=True)
    job = accepted_body(request_id)
    await accepted(job)
    if "respond-async" in prefer.lower():
        return Json(job, 202, {"location": job["links"]["request"], "preference-applied": "respond-async"})
    end = await wait_for_end(service, request_id, service.settings.remove_bg_sync_seconds)
    if end is None:
        return Json(job, 202, {"location": job["links"]["request"]})
    if not isinstance(end, GenerationCompleted):
        raise why_not(end)
    made = await db.fetchrow(gallery.find(id=command.images[0].image_id, owner=user.id))
    if made is None:
        raise Conflict("the picture has been deleted since", code="image_deleted")
    if preferred(accept, (Json.media_type, PNG)) == PNG:
        return RedirectResponse(objects.url(made["key"]), 303)
    return Json(_present(request_id, made, objects))


def _command(owner_id: UUID, folder: str, photo: Upload, asked: Wanted, choice: Choice) -> RequestGeneration:
    pinned = {"reference_id": photo.id, "role": asked.subject, "is_primary": True, **photo.facts()}
    return RequestGeneration(
        title="Background removal",
        owner_id=owner_id,
        product_id=None,
        kind=CUTOUT,
        prompt="",
        final_prompt=REMOVE,
        prompt_template=TEMPLATE,
        aspect_ratio="1:1",  # of no effect: a picture keeps its proportions
        resolution="2K",
        transparent=True,
        images=planned(folder, 1, 0, datetime.now(UTC)),
        references=[PinnedPhoto.model_validate(pinned)],
        provider=choice.provider,
        model=choice.model,
        fallback=asked.fallback,
        fallback_from=choice.fallback_from,
    )


def _present(request_id: UUID, made: Mapping[str, Any], objects: ObjectStore) -> dict[str, Any]:
    """A `CutoutBody`."""
    image = present(made, objects.url)
    return {
        "request_id": request_id,
        "job_id": request_id,
        "status": "completed",
        "image_url": image["url"],
        "image": image,
        "confidence": made["call"].get("details", {}).get("segmentation_confidence"),
        "warnings": made["call"].get("warnings", []),
        "links": links_of(request_id),
    }

"""Galleries and their pictures. Whatever is not the caller's own does not exist."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field, Strict, StringConstraints
from starlette.responses import Response

from libs.common.contracts.generation import Kind
from libs.common.errors import NotFound
from libs.common.http import Db, IfMatch, Json, Objects, Page, Paging, ServiceDep, Tx, paging, router
from libs.common.identity import CurrentUser
from libs.common.objects import ObjectStore
from libs.common.values import Text
from libs.imaging import bare
from libs.refs.products import require_product
from services.generation.images import c2pa, gallery, pages, provenance
from services.generation.images.bodies import ImageBody, ImageDetailBody, filename_of, present
from services.generation.images.domain import (
    AnnotateImage,
    DeleteImage,
    Label,
    Rating,
    RestoreImage,
    images,
)

routes = router("pictures")

GalleryPaging = Annotated[Paging, Depends(paging(pages.SORTS))]


class Filters(BaseModel):
    """`search` looks for these words in the prompt; `rating` is exact, `min_rating` that or better."""

    search: Annotated[Text, StringConstraints(max_length=200)] | None = None
    kind: Kind | None = None
    spec_version: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    rating: Rating | None = None
    min_rating: Rating | None = None
    favourite: bool | None = None
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    model: Text | None = None
    provider: Text | None = None


class AnnotationBody(BaseModel):
    """Those that are given are set; `null` clears a rating or a label."""

    model_config = ConfigDict(extra="forbid")
    favourite: bool = False
    rating: Annotated[Rating, Strict()] | None = None
    label: Label | None = None


@routes.get("/products/{product_id}/gallery", response_model=Page[ImageBody])
async def get_gallery(
    product_id: UUID,
    user: CurrentUser,
    db: Db,
    service: ServiceDep,
    page: GalleryPaging,
    filters: Annotated[Filters, Depends()],
    as_of: Annotated[
        datetime | None, Query(description="as it was then; UTC unless it says otherwise")
    ] = None,
    deleted: Annotated[bool, Query(description="those that can be restored instead")] = False,
) -> Json:
    """Every picture of the product, newest first."""
    await require_product(db, service.bus, user.id, product_id)
    wanted = filters.model_dump(exclude_none=True)
    moment = as_of.replace(tzinfo=as_of.tzinfo or UTC) if as_of else None
    found = await pages.find_page(db, user.id, product_id, wanted, page, as_of=moment, deleted=deleted)
    items = [present(row, service.objects.url) for row in found.rows]
    return page.answer(items, found.total, found.next_after)


@routes.get("/generated-images/{image_id}", response_model=ImageDetailBody)
async def get_image(image_id: UUID, user: CurrentUser, db: Db, objects: Objects) -> Json:
    return _found(await db.fetchrow(gallery.find(id=image_id, owner=user.id)), objects)


@routes.patch("/generated-images/{image_id}", response_model=ImageDetailBody)
async def annotate_image(
    image_id: UUID, body: AnnotationBody, user: CurrentUser, tx: Tx, objects: Objects, expected: IfMatch
) -> Json:
    command = AnnotateImage(owner_id=user.id, **body.model_dump(exclude_unset=True))
    await tx.handle(images, image_id, command, expected=expected)
    return _found(await tx.fetchrow(gallery.find(id=image_id, owner=user.id)), objects)


@routes.delete("/generated-images/{image_id}", status_code=204)
async def delete_image(
    image_id: UUID, user: CurrentUser, tx: Tx, service: ServiceDep, expected: IfMatch
) -> None:
    """Into the bin, from which it can be restored for thirty days."""
    until = datetime.now(UTC) + service.settings.retention
    command = DeleteImage(owner_id=user.id, restorable_until=until)
    await tx.handle(images, image_id, command, expected=expected)


@routes.post("/generated-images/{image_id}/restore", response_model=ImageDetailBody)
async def restore_image(
    image_id: UUID, user: CurrentUser, tx: Tx, objects: Objects, expected: IfMatch
) -> Json:
    command = RestoreImage(owner_id=user.id, at=datetime.now(UTC))
    await tx.handle(images, image_id, command, expected=expected)
    return _found(await tx.fetchrow(gallery.find(id=image_id, owner=user.id)), objects)


@routes.get("/generated-images/{image_id}/provenance", response_model=provenance.Provenance)
async def get_provenance(
    image_id: UUID,
    user: CurrentUser,
    service: ServiceDep,
    format: Annotated[  # noqa: A002
        Literal["json", "c2pa"], Query(description="`c2pa`: the same facts as an unsigned C2PA manifest")
    ] = "json",
) -> Json:
    """From the picture back to the photos: what made it, out of what, as pinned and as known now."""
    traced = await provenance.trace(service, image_id, user.id)
    return Json(c2pa.manifest(traced) if format == "c2pa" else traced)


@routes.get(
    "/generated-images/{image_id}/export",
    response_class=Response,
    responses={200: {"content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}}},
)
async def export_image(image_id: UUID, user: CurrentUser, db: Db, objects: Objects) -> Response:
    """The file to hand out: as it was made and still marked with its origin, but without anybody's prompts."""
    row = await db.fetchrow(gallery.find(id=image_id, owner=user.id))
    if row is None:
        raise NotFound("no such picture", code="image_not_found")
    exported = await asyncio.to_thread(bare.export, await objects.get(row["key"]))
    headers = {
        "content-disposition": f'attachment; filename="{filename_of(row)}"',
        "cache-control": "private, no-store",
    }
    return Response(exported, media_type=row["content_type"], headers=headers)


def _found(row: Mapping[str, Any] | None, objects: ObjectStore) -> Json:
    if row is None:
        raise NotFound("no such picture", code="image_not_found")
    body = present(row, objects.url)
    details = {"download_url": objects.url(row["key"], download=body["filename"]), "call": row["call"]}
    return Json(body | details, version=row["version"])

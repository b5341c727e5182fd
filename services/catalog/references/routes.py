"""HTTP of a product's photos."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import File, UploadFile

from libs.common.database import Reader
from libs.common.errors import NotFound
from libs.common.http import MEGABYTE, Db, IfMatch, Json, Objects, ServiceDep, Tx, policy, router
from libs.common.http.uploads import kept, look_at
from libs.common.identity import CurrentUser
from libs.common.objects import ObjectStore
from services.catalog.products.domain import products
from services.catalog.products.products import find_images
from services.catalog.references.bodies import ReferenceBody, ReferencesBody
from services.catalog.references.domain import (
    AddReferences,
    ChangeReference,
    DeleteReference,
    Photo,
    ReferenceDetails,
)
from services.catalog.references.references import complete

routes = router("references")

MAX_FILES = 10
MAX_UPLOAD = MAX_FILES * 10 * MEGABYTE + MEGABYTE
Files = Annotated[list[UploadFile] | None, File(description="jpeg, png or webp")]
BracketedFiles = Annotated[list[UploadFile] | None, File(alias="files[]", description="the same")]


@routes.post("/products/{product_id}/upload-references", status_code=201, response_model=list[ReferenceBody])
@policy(limit="upload", max_body=MAX_UPLOAD)
async def upload_references(
    product_id: UUID,
    user: CurrentUser,
    tx: Tx,
    service: ServiceDep,
    files: Files = None,
    bracketed_files: BracketedFiles = None,
) -> Json:
    """Up to ten photos, all of them or none."""
    await _images(
        service.db, service.objects, product_id, user.id
    )  # before a stranger's megabytes are stored
    received = [*(files or ()), *(bracketed_files or ())]
    max_bytes = service.settings.max_upload_size_bytes
    folder = f"products/{user.id}/{product_id}"
    uploads = await look_at(received, folder, max_bytes, field="files[]", least=1, most=MAX_FILES)
    photos = tuple(Photo(reference_id=upload.id, **upload.facts()) for upload in uploads)
    command = AddReferences(owner_id=user.id, product_id=product_id, photos=photos)
    async with kept(service.objects, uploads):
        handled = await tx.handle(products, product_id, command)
        images = await _images(tx, service.objects, product_id, user.id)
    added = {str(photo.reference_id) for photo in photos}
    location = {"location": f"/api/v1/products/{product_id}/references"}
    return Json([i for i in images if i["id"] in added], 201, location, version=handled.version)


@routes.get("/products/{product_id}/references", response_model=ReferencesBody)
async def list_references(product_id: UUID, user: CurrentUser, db: Db, objects: Objects) -> Json:
    images = await _images(db, objects, product_id, user.id)
    return Json({"items": images, "total": len(images)})


@routes.patch("/products/{product_id}/references/{reference_id}", response_model=ReferenceBody)
@routes.put("/products/{product_id}/references/{reference_id}", response_model=ReferenceBody)
async def change_reference(
    product_id: UUID,
    reference_id: UUID,
    body: ReferenceDetails,
    user: CurrentUser,
    tx: Tx,
    objects: Objects,
    expected: IfMatch,
) -> Json:
    command = ChangeReference(
        owner_id=user.id, product_id=product_id, reference_id=reference_id, details=body
    )
    handled = await tx.handle(products, product_id, command, expected=expected)
    images = await _images(tx, objects, product_id, user.id)
    [image] = [image for image in images if image["id"] == str(reference_id)]
    return Json(image, version=handled.version)


@routes.delete("/products/{product_id}/references/{reference_id}", status_code=204)
async def delete_reference(
    product_id: UUID, reference_id: UUID, user: CurrentUser, tx: Tx, expected: IfMatch
) -> None:
    command = DeleteReference(owner_id=user.id, product_id=product_id, reference_id=reference_id)
    await tx.handle(products, product_id, command, expected=expected)


async def _images(
    reader: Reader, objects: ObjectStore, product_id: UUID, owner_id: UUID
) -> list[dict[str, Any]]:
    images = await reader.fetchval(find_images(product_id=product_id, owner_id=owner_id))
    if images is None:
        raise NotFound("no such product", code="product_not_found")
    return complete(images, objects.url)

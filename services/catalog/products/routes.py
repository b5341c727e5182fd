"""HTTP of products. Whatever is not the caller's own does not exist."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query
from pydantic import StringConstraints
from uuid_utils.compat import uuid7

from libs.common.database import Transaction
from libs.common.errors import Invalid, NotFound
from libs.common.http import Db, IfMatch, Json, Objects, Page, Paging, ServiceDep, Tx, paging, router
from libs.common.identity import CurrentUser
from libs.common.objects import ObjectStore
from libs.common.values import Text
from services.catalog.products import history, pages, past, slugs
from services.catalog.products.bodies import ChangeProductBody, CreateProductBody, ProductBody, ShownStatus
from services.catalog.products.domain import (
    ChangeProduct,
    CreateProduct,
    DeleteProduct,
    RestoreProduct,
    products,
)
from services.catalog.products.history import AsOf, HistoryEntry
from services.catalog.products.products import find, find_by_slug, present

routes = router("products")

ProductPaging = Annotated[Paging, Depends(paging(pages.SORTS))]
HistoryPaging = Annotated[Paging, Depends(paging(["version"], default="-version"))]
Search = Annotated[Text, StringConstraints(max_length=200)]


@routes.post("/products", status_code=201, response_model=ProductBody)
async def create_product(body: CreateProductBody, user: CurrentUser, tx: Tx, objects: Objects) -> Json:
    product_id = uuid7()
    if body.slug:
        await slugs.reserve(tx, body.slug, product_id, user.id)
    slug = body.slug or await slugs.reserve_for_title(tx, body.title, product_id, user.id)
    await tx.handle(products, product_id, CreateProduct(owner_id=user.id, slug=slug, details=body), new=True)
    return await _answer(
        tx, objects, product_id, user.id, 201, {"location": f"/api/v1/products/{product_id}"}
    )


@routes.get("/products", response_model=Page[ProductBody])
async def list_products(
    user: CurrentUser,
    service: ServiceDep,
    page: ProductPaging,
    category: Text | None = None,
    status: ShownStatus | None = None,
    search: Annotated[Search | None, Query(description="words, or their beginnings, in any order")] = None,
    tags: Annotated[list[Text] | None, Query(description="all of them; repeated, or by comma")] = None,
    deleted: Annotated[bool, Query(description="those that can be restored instead")] = False,
    as_of: Annotated[datetime | None, Query(description="a time (UTC unless it says otherwise)")] = None,
) -> Json:
    if as_of and deleted:
        raise Invalid("deleted: only of the present, not together with as_of", code="validation_error")
    wanted = {
        "category": category,
        "status": status,
        "search": None if search is None else pages.as_query(search),
        "tags": None if tags is None else [tag for part in tags for tag in part.split(",") if tag],
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    then = await past.rows_of(service, user.id, as_of) if as_of else None
    db = service.db if then is None else past.Past(service.db, then)
    found = await pages.find_page(db, user.id, given, page, deleted=deleted)
    rows = [present(row if then is None else then[row["id"]], service.objects.url) for row in found.rows]
    return page.answer(rows, found.total, found.next_after)


@routes.get("/products/by-slug/{slug}", response_model=ProductBody)
async def get_product_by_slug(slug: str, user: CurrentUser, db: Db, objects: Objects) -> Json:
    return _found(await db.fetchrow(find_by_slug(slug=slug, owner_id=user.id)), objects)


@routes.get("/products/{product_id}", response_model=ProductBody)
async def get_product(product_id: UUID, user: CurrentUser, service: ServiceDep, as_of: AsOf = None) -> Json:
    if as_of is not None:
        events = await history.load(service, product_id, user.id)
        return _found(history.as_it_was(events, as_of), service.objects)
    return _found(await service.db.fetchrow(find(product_id=product_id, owner_id=user.id)), service.objects)


@routes.patch("/products/{product_id}", response_model=ProductBody)
@routes.put("/products/{product_id}", response_model=ProductBody)
async def change_product(
    product_id: UUID, body: ChangeProductBody, user: CurrentUser, tx: Tx, objects: Objects, expected: IfMatch
) -> Json:
    command = ChangeProduct(owner_id=user.id, details=body)
    changed = await tx.handle(products, product_id, command, expected=expected)
    if any("slug" in recorded.event.changes for recorded in changed.events):
        await slugs.move(tx, changed.state.slug, product_id, user.id)
    return await _answer(tx, objects, product_id, user.id)


@routes.delete("/products/{product_id}", status_code=204)
async def delete_product(
    product_id: UUID, user: CurrentUser, tx: Tx, service: ServiceDep, expected: IfMatch
) -> None:
    until = datetime.now(UTC) + service.settings.retention
    command = DeleteProduct(owner_id=user.id, restorable_until=until)
    await tx.handle(products, product_id, command, expected=expected)


@routes.post("/products/{product_id}/restore", response_model=ProductBody)
async def restore_product(
    product_id: UUID, user: CurrentUser, tx: Tx, objects: Objects, expected: IfMatch
) -> Json:
    command = RestoreProduct(owner_id=user.id, at=datetime.now(UTC))
    await tx.handle(products, product_id, command, expected=expected)
    return await _answer(tx, objects, product_id, user.id)


@routes.get("/products/{product_id}/history", response_model=Page[HistoryEntry])
async def get_history(product_id: UUID, user: CurrentUser, service: ServiceDep, page: HistoryPaging) -> Json:
    return history.answer(await history.load(service, product_id, user.id), page)


async def _answer(
    tx: Transaction,
    objects: ObjectStore,
    product_id: UUID,
    owner_id: UUID,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Json:
    """The product as the transaction will leave it."""
    row = await tx.fetchrow(find(product_id=product_id, owner_id=owner_id))
    return _found(row, objects, status, headers)


def _found(
    row: Mapping[str, Any] | None,
    objects: ObjectStore,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Json:
    if row is None:
        raise NotFound("no such product", code="product_not_found")
    return Json(present(row, objects.url), status, headers, version=row["version"])

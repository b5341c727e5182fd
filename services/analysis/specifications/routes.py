"""HTTP of specifications. Whatever is not the caller's own does not exist."""

from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import Depends, Header, Query
from pydantic import Field
from starlette.responses import Response
from uuid_utils.compat import uuid7

from libs.common.errors import NotFound
from libs.common.http import Db, IfMatch, Json, Objects, Page, Paging, ServiceDep, Tx, paging, router
from libs.common.http.accept import preferred
from libs.common.identity import CurrentUser
from libs.providers.spec_yaml import parse_yaml
from libs.refs.products import ask_product
from services.analysis.specifications import history, versions
from services.analysis.specifications.bodies import DiffBody, EditBody, SpecificationBody
from services.analysis.specifications.documents import differences, keep
from services.analysis.specifications.domain import (
    ActivateSpecification,
    AddSpecification,
    specifications,
    stream_of,
)
from services.analysis.specifications.history import AsOf

YAML = "application/yaml"

routes = router("specifications")

Version = Annotated[int, Field(ge=1, lt=2**31)]
Reference = Annotated[UUID | Version, Field(union_mode="left_to_right")]
"""A version of a product by its id or its number."""
VersionPaging = Annotated[Paging, Depends(paging(["version"], default="-version"))]


class Yaml(Json):
    """A specification's text as it was written."""

    media_type = YAML

    def render(self, content: Any) -> bytes:
        return str(content).encode()


async def _known(
    specification: Reference, user: CurrentUser, db: Db, product_id: UUID | None = None
) -> asyncpg.Record:
    """The version that a path names: by number only below its product."""
    return await versions.find(db, user.id, product_id, specification)


Known = Annotated[asyncpg.Record, Depends(_known)]


@routes.get("/products/{product_id}/specifications", response_model=Page[SpecificationBody])
async def list_specifications(
    product_id: UUID, user: CurrentUser, service: ServiceDep, page: VersionPaging
) -> Json:
    found = await versions.find_page(service.db, user.id, product_id, page)
    if found.total == 0:
        await ask_product(service.bus, user.id, product_id)
    return page.answer([versions.present(row) for row in found.rows], found.total, found.next_after)


@routes.get(
    "/products/{product_id}/specifications/active",
    response_model=SpecificationBody,
    responses={200: {"content": {YAML: {"schema": {"type": "string"}}}}},
)
async def get_active(
    product_id: UUID,
    user: CurrentUser,
    service: ServiceDep,
    as_of: AsOf = None,
    accept: Annotated[str | None, Header()] = None,
) -> Response:
    if as_of is None:
        row = await service.db.fetchrow(versions.active(product_id=product_id, owner_id=user.id))
    else:
        row = await history.active_at(service, user.id, product_id, as_of)
    if row is None:
        raise NotFound("the product has no active specification", code="no_active_specification")
    return _answer(row, accept)


@routes.get("/products/{product_id}/specifications/diff", response_model=DiffBody)
async def get_differences(
    product_id: UUID,
    user: CurrentUser,
    db: Db,
    from_: Annotated[Reference, Query(alias="from")],
    to: Annotated[Reference, Query()],
) -> Json:
    old = await versions.find(db, user.id, product_id, from_)
    new = await versions.find(db, user.id, product_id, to)
    changes = list(differences(_document(old), _document(new)))
    return Json({"from": _name(old), "to": _name(new), "changes": changes})


@routes.get("/products/{product_id}/specifications/{specification}", response_model=SpecificationBody)
@routes.get("/specifications/{specification}", response_model=SpecificationBody)
async def get_specification(known: Known, accept: Annotated[str | None, Header()] = None) -> Response:
    return _answer(known, accept)


@routes.put("/products/{product_id}/specifications/{specification}", response_model=SpecificationBody)
@routes.put("/specifications/{specification}", response_model=SpecificationBody)
async def edit_specification(
    known: Known, body: EditBody, user: CurrentUser, tx: Tx, objects: Objects, expected: IfMatch
) -> Json:
    """Makes a new version, and the active one unless `activate` is false."""
    product_id: UUID = known["product_id"]
    spec = parse_yaml(body.yaml_content)
    facts = await keep(objects, user.id, product_id, body.yaml_content, spec)
    command = AddSpecification(
        **facts,
        owner_id=user.id,
        product_id=product_id,
        specification_id=uuid7(),
        source="edit",
        image_count=known["image_count"],
        change_notes=body.change_notes,
        activate=body.activate,
    )
    await tx.handle(specifications, stream_of(product_id), command, expected=expected)
    row = await versions.find(tx, user.id, product_id, command.specification_id)
    location = f"/api/v1/products/{product_id}/specifications/{row['version']}"
    return Json(versions.present(row), headers={"location": location}, version=row["stream_version"])


@routes.post(
    "/products/{product_id}/specifications/{specification}/activate", response_model=SpecificationBody
)
@routes.post("/specifications/{specification}/activate", response_model=SpecificationBody)
async def activate_specification(known: Known, user: CurrentUser, tx: Tx, expected: IfMatch) -> Json:
    command = ActivateSpecification(owner_id=user.id, specification_id=known["specification_id"])
    await tx.handle(specifications, stream_of(known["product_id"]), command, expected=expected)
    row = await versions.find(tx, user.id, known["product_id"], known["specification_id"])
    return Json(versions.present(row), version=row["stream_version"])


def _answer(row: asyncpg.Record, accept: str | None) -> Json:
    vary = {"vary": "accept"}
    if preferred(accept or "", (Json.media_type, YAML)) == YAML:
        return Yaml(row["yaml_content"], headers=vary, version=row["stream_version"])
    return Json(versions.present(row), headers=vary, version=row["stream_version"])


def _document(row: asyncpg.Record) -> dict[str, Any]:
    return parse_yaml(row["yaml_content"]).model_dump(mode="json", exclude_unset=True)


def _name(row: asyncpg.Record) -> dict[str, Any]:
    return {"specification_id": row["specification_id"], "version": row["version"]}

"""A service of counters behind the HTTP edge: one route for each thing the edge does."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Form, UploadFile
from pydantic import BaseModel
from uuid_utils.compat import uuid7

from libs.common.errors import NotFound, Unavailable
from libs.common.http import Accepted, Db, IfMatch, Json, Objects, Page, Paging, Tx, paging, policy, router
from libs.common.identity import AdminUser, CurrentUser, OptionalUser, StreamUser
from libs.common.service import Definition
from libs.common.settings import Settings
from libs.common.sql import Bound
from tests.libs.common.counters import SCHEMA, Add, Name, counters, log, total_of

routes = router("counters")
COUNTERS = Definition(SCHEMA, Settings, log)
CounterPaging = Annotated[Paging, Depends(paging(["total"], default="-total"))]


class CounterOut(BaseModel):
    counter_id: UUID
    total: int


@routes.post("/counters", status_code=201, response_model=CounterOut)
async def create(body: Add, user: CurrentUser, tx: Tx) -> Json:
    counter_id = uuid7()
    created = await tx.handle(counters, counter_id, body)
    location = {"location": f"/api/v1/counters/{counter_id}"}
    return Json(
        {"counter_id": counter_id, "total": created.state.total}, 201, location, version=created.version
    )


@routes.get("/counters", response_model=Page[CounterOut])
async def list_counters(user: CurrentUser, db: Db, page: CounterPaging) -> Json:
    order = "DESC" if page.descending else "ASC"
    query = f"SELECT counter_id, total FROM totals ORDER BY total {order} LIMIT $1 OFFSET $2"
    rows = await db.fetch(Bound(query, (page.limit, page.offset)))
    total = await db.fetchval(Bound("SELECT count(*) FROM totals", ()))
    return page.answer(rows, total, [rows[-1]["total"]] if rows else None)


@routes.get("/counters/{counter_id}", response_model=CounterOut)
async def get(counter_id: UUID, user: CurrentUser, db: Db) -> Json:
    row = await db.fetchrow(Bound("SELECT * FROM totals WHERE counter_id = $1", (counter_id,)))
    if row is None:
        raise NotFound("there is no such counter")
    return Json({"counter_id": counter_id, "total": row["total"]}, version=row["version"])


@routes.patch("/counters/{counter_id}", response_model=CounterOut)
async def add(counter_id: UUID, body: Add, user: CurrentUser, tx: Tx, expected: IfMatch) -> Json:
    handled = await tx.handle(counters, counter_id, body, expected=expected)
    total = await tx.fetchval(total_of(id=counter_id))
    return Json({"counter_id": counter_id, "total": total}, version=handled.version)


@routes.post("/counters/{counter_id}/slow")
async def add_slowly(counter_id: UUID, body: Add, user: CurrentUser, tx: Tx, accepted: Accepted) -> Json:
    """Commits, then waits for another request to name the counter."""
    await tx.handle(counters, counter_id, body)
    await accepted({"status": "queued"})
    while not (await tx.state(counters, counter_id)).state.name:
        await tx.rollback()
        await asyncio.sleep(0.01)
    return Json({"status": "done"})


@routes.post("/counters/{counter_id}/name")
async def name(counter_id: UUID, body: Name, tx: Tx) -> dict[str, str]:
    await tx.handle(counters, counter_id, body)
    return {"name": body.name}


@routes.post("/photos")
@policy(limit="upload", max_body=200_000)
async def upload(
    files: list[UploadFile], note: Annotated[str, Form()], user: CurrentUser, objects: Objects
) -> Any:
    key = f"photos/{uuid7()}"
    return {"key": key, "sha256": await objects.put(key, await files[0].read(), "image/png"), "note": note}


@routes.post("/login")
@policy(limit="auth", repeatable=False)
async def login(body: dict[str, str]) -> dict[str, str]:
    return {"access_token": str(uuid7())}


@routes.post("/echo")
async def echo(body: dict[str, Any], caller: OptionalUser) -> dict[str, Any]:
    return {"body": body, "caller": str(caller.id) if caller else None}


@routes.post("/notes")
async def note(text: Annotated[str, Form()], tx: Tx) -> Any:
    """What reaches the database unchecked."""
    return await tx.fetchval(Bound("SELECT $1::text", (text,)))


@routes.get("/square")
async def square(number: int, db: Db) -> int:
    result: int = await db.fetchval(Bound("SELECT $1::integer", (number,)))
    return result


@routes.get("/admin")
async def admin(user: AdminUser) -> str:
    return str(user.id)


@routes.get("/stream")
async def stream(user: StreamUser) -> str:
    return str(user.id)


@routes.get("/broken")
async def broken() -> None:
    raise RuntimeError("secret")


@routes.get("/away")
async def away() -> None:
    raise Unavailable("gone", retry_after=7)

"""A bare FastAPI application: the catalog's own SQL on asyncpg, the same JSON, and nothing else.

No authentication (the owner is in the header), no limits, no metrics, no tracing, no validators.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import orjson
from fastapi import FastAPI, Header, Response

from libs.common.database import Database
from libs.common.http.paging import Paging
from services.catalog.products.pages import find_page
from services.catalog.products.products import find, present


@asynccontextmanager
async def _connected(app: FastAPI) -> AsyncIterator[None]:
    app.state.db = await Database.connect(os.environ["DATABASE_URL"], "catalog")
    yield
    await app.state.db.close()


app = FastAPI(lifespan=_connected)
FIRST = Paging("page", 20, 0, None, "created_at", True, "", "")


def _json(body: Any) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")


@app.get("/api/v1/products/{product_id}")
async def get_product(product_id: UUID, authorization: str = Header()) -> Response:
    row = await app.state.db.fetchrow(find(product_id=product_id, owner_id=UUID(authorization)))
    return _json(present(row, str))


@app.get("/api/v1/products")
async def list_products(authorization: str = Header()) -> Response:
    found = await find_page(app.state.db, UUID(authorization), {}, FIRST)
    rows = [present(row, str) for row in found.rows]
    return _json(
        {"items": rows, "total": found.total, "page": 1, "page_size": 20, "pages": -(-found.total // 20)}
    )

"""Brand projects as a designer begins them."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from httpx import AsyncClient

from tests.libs.common.waiting import eventually

Begin = Callable[..., Awaitable[dict[str, Any]]]
FORM = {"brand_name": "Morning Ember", "brief": "small batches of coffee, for people who get up early"}


@pytest.fixture
def begin(client: AsyncClient) -> Begin:
    """`await begin(count="2")`: the answer to an accepted project."""

    async def post(**form: Any) -> dict[str, Any]:
        answer = await client.post("/projects", data=FORM | form)
        assert answer.status_code == 201, answer.text
        accepted: dict[str, Any] = answer.json()
        return accepted

    return post


async def until(client: AsyncClient, path: str, status: str) -> dict[str, Any]:
    async def reached() -> dict[str, Any] | None:
        seen: dict[str, Any] = (await client.get(path)).json()
        return seen if seen["status"] == status else None

    found: dict[str, Any] = await eventually(reached, seconds=60)
    return found

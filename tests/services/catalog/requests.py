"""Requests that many tests begin with."""

from typing import Any

from httpx import AsyncClient, Response

from tests.libs.imaging.drawings import encode, mug

MUG = encode(mug(96)[0])

Files = list[tuple[str, tuple[str, bytes, str]]]


async def create(client: AsyncClient, **fields: Any) -> dict[str, Any]:
    """A product called Mug, unless `fields` say otherwise."""
    answer = await client.post("/products", json={"title": "Mug", **fields})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def file(
    data: bytes = MUG, name: str = "mug.png", content_type: str = "image/png", field: str = "files[]"
) -> Any:
    return field, (name, data, content_type)


async def send(client: AsyncClient, product_id: str, *files: Any, **headers: str) -> Response:
    return await client.post(
        f"/products/{product_id}/upload-references", files=list(files) or [file()], headers=headers
    )


async def upload(client: AsyncClient, product_id: str, *files: Any) -> list[dict[str, Any]]:
    """The photos as they were added; one, unless `files` say otherwise."""
    answer = await send(client, product_id, *files)
    assert answer.status_code == 201, answer.text
    added: list[dict[str, Any]] = answer.json()
    return added

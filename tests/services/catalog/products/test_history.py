"""What a product was, and how it became what it is."""

from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient

from tests.services.catalog.requests import create, upload


@pytest.fixture
async def product(client: AsyncClient) -> dict[str, Any]:
    """1 created, 2 renamed, 3 and 4 two photos, 5 and 6 the second made primary, 7 set active."""
    product = await create(client, title="Mug", tags=["tea"])
    path = f"/products/{product['id']}"
    await client.patch(path, json={"title": "Cup", "metadata": {"a": 1}})
    await upload(client, product["id"])
    [second] = await upload(client, product["id"])
    await client.patch(f"{path}/references/{second['id']}", json={"is_primary": True})
    await client.patch(path, json={"status": "active"})
    return product


async def test_every_version_can_be_seen_again(client: AsyncClient) -> None:
    product = await create(client)
    path = f"/products/{product['id']}"
    seen = [product]
    for change in ({"title": "Cup"}, {"tags": ["tea"], "description": "x"}, {"status": "archived"}):
        seen.append((await client.patch(path, json=change)).json())
    [first] = await upload(client, product["id"])
    seen.append((await client.get(path)).json())
    await upload(client, product["id"])
    seen.append((await client.get(path)).json())
    await client.delete(f"{path}/references/{first['id']}")
    seen.append((await client.get(path)).json())
    for body in seen:
        by_version = await client.get(path, params={"as_of": body["version"]})
        by_time = await client.get(path, params={"as_of": body["updated_at"]})
        assert (by_version.status_code, by_version.json()) == (200, body)
        assert by_version.headers["etag"].startswith(f'"{body["version"]}-')
        assert by_time.json()["version"] >= body["version"]
    assert (await client.get(path, params={"as_of": "2999-01-01"})).json() == seen[-1]


@pytest.mark.parametrize(
    ("as_of", "status"),
    [
        ("99", 404),
        ("2001-01-01T00:00:00Z", 404),
        ("2001-01-01", 404),
        ("yesterday", 422),
        ("0", 404),
        ("-1", 404),
        ("9999-12-31T23:59:59.999999-14:00", 200),
        ("99999999999999999999", 422),
        ("", 422),
    ],
)
async def test_a_moment_without_the_product_is_not_found(
    client: AsyncClient, as_of: str, status: int
) -> None:
    product = await create(client)
    answer = await client.get(f"/products/{product['id']}", params={"as_of": as_of})
    assert answer.status_code == status, answer.text


async def test_a_deleted_product_is_still_seen_as_it_was(client: AsyncClient) -> None:
    product = await create(client)
    path = f"/products/{product['id']}"
    await client.delete(path)
    assert (await client.get(path, params={"as_of": 1})).json() == product
    assert (await client.get(path, params={"as_of": 2})).status_code == 404
    entries = (await client.get(f"{path}/history")).json()["items"]
    assert [entry["type"] for entry in entries] == ["catalog.product_deleted", "catalog.product_created"]


async def test_the_history_says_who_changed_what(
    client: AsyncClient, owner_id: UUID, product: dict[str, Any]
) -> None:
    answer = await client.get(f"/products/{product['id']}/history", params={"sort": "version"})
    body = answer.json()
    assert (answer.status_code, body["total"]) == (200, 7)
    assert [entry["version"] for entry in body["items"]] == [1, 2, 3, 4, 5, 6, 7]
    assert {entry["by"] for entry in body["items"]} == {f"user:{owner_id}"}
    assert all(entry["request_id"] and entry["at"].endswith("Z") for entry in body["items"])
    renamed, photo, demoted, promoted = (body["items"][n] for n in (1, 2, 4, 5))
    assert renamed["changes"] == [
        {"field": "title", "old": "Mug", "new": "Cup"},
        {"field": "metadata", "old": {}, "new": {"a": 1}},
    ]
    assert {"field": "original_filename", "old": None, "new": "mug.png"} in photo["changes"]
    assert demoted["changes"] == [{"field": "is_primary", "old": True, "new": False}]
    assert promoted["changes"] == [{"field": "is_primary", "old": False, "new": True}]
    assert demoted["reference_id"] != promoted["reference_id"]


async def test_the_history_comes_in_pages(client: AsyncClient, product: dict[str, Any]) -> None:
    path = f"/products/{product['id']}/history"
    seen, cursor = [], ""
    while cursor is not None:
        body = (await client.get(path, params={"limit": 3, "cursor": cursor})).json()
        seen += [entry["version"] for entry in body["items"]]
        cursor = body["next_cursor"]
    assert seen == [7, 6, 5, 4, 3, 2, 1]
    second = (await client.get(path, params={"page": 2, "page_size": 3})).json()
    assert [entry["version"] for entry in second["items"]] == [4, 3, 2]
    for invalid in ("x", "W10", "WyJhIl0", "Wzk5XQ"):
        answer = await client.get(path, params={"cursor": invalid})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")

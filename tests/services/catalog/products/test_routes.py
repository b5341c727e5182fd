"""Products as a client meets them."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient
from uuid_utils.compat import uuid4, uuid7

from libs.common.service import Service
from services.catalog.settings import CatalogSettings
from tests.services.catalog.requests import create, upload
from tests.statements import statements


async def test_a_product_is_created_and_read(client: AsyncClient, owner_id: UUID) -> None:
    fields = {
        "title": "Stoneware Mug",
        "description": "Holds tea",
        "category": "Kitchen",
        "subcategory": "Cups",
        "tags": ["tea", "stoneware"],
        "metadata": {"sku": "M-1"},
    }
    answer = await client.post("/products", json=fields)
    body = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/v1/products/{body['id']}"
    assert answer.headers["etag"].startswith('"1-')
    assert body == fields | {
        "id": body["id"],
        "name": "Stoneware Mug",
        "slug": body["slug"],
        "product_category": "Kitchen",
        "status": "draft",
        "is_active": True,
        "metadata_": {"sku": "M-1"},
        "images": [],
        "primary_image_url": None,
        "thumbnail_url": None,
        "created_by": str(owner_id),
        "user_id": str(owner_id),
        "created_at": body["created_at"],
        "updated_at": body["created_at"],
        "deleted_at": None,
        "version": 1,
    }
    assert body["slug"].startswith("stoneware-mug")
    read = await client.get(answer.headers["location"].removeprefix("/api/v1"))
    assert (read.status_code, read.json(), read.headers["etag"]) == (200, body, answer.headers["etag"])


async def test_the_names_of_earlier_clients_are_understood(client: AsyncClient) -> None:
    given = {"name": "Mug", "product_category": "Kitchen", "is_active": False, "metadata_": {"a": 1}}
    answer = await client.post("/products", json=given)
    body = answer.json()
    assert (body["title"], body["category"], body["status"]) == ("Mug", "Kitchen", "archived")
    assert (body["is_active"], body["metadata"]) == (False, {"a": 1})
    changed = await client.put(f"/products/{body['id']}", json={"name": "Cup", "is_active": True})
    assert (changed.json()["title"], changed.json()["status"]) == ("Cup", "active")


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "Mug", "name": "Cup"},
        {"title": "Mug", "category": "a", "product_category": "b"},
        {"title": "Mug", "status": "active", "is_active": False},
        {"title": "Mug", "status": "archived", "is_active": True},
    ],
    ids=str,
)
async def test_two_names_of_a_field_must_agree(client: AsyncClient, fields: dict[str, Any]) -> None:
    answer = await client.post("/products", json=fields)
    assert answer.status_code == 422
    assert all(name in answer.text for name in list(fields)[1:])


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "title"),
        ({"title": ""}, "title"),
        ({"title": None}, "title"),
        ({"title": 7}, "title"),
        ({"title": "x" * 256}, "title"),
        ({"title": "Mug", "slug": "No Slug"}, "slug"),
        ({"title": "Mug", "slug": "x" * 256}, "slug"),
        ({"title": "Mug", "category": "x" * 101}, "category"),
        ({"title": "Mug", "tags": "tea"}, "tags"),
        ({"title": "Mug", "tags": ["x"] * 2 + [str(n) for n in range(50)]}, "tags"),
        ({"title": "Mug", "status": "processing"}, "status"),
        ({"title": "Mug", "is_active": "maybe"}, "is_active"),
        ({"title": "Mug", "metadata": [1]}, "metadata"),
        ({"title": "Mug", "metadata": {"n": 2**64}}, "metadata"),
        ({"title": "Mug", "metadata": {"deep": [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}}, "metadata"),
        ({"title": "Mug", "colour": "red"}, "colour"),
    ],
    ids=str,
)
async def test_bad_input_is_refused_by_its_name(client: AsyncClient, fields: Any, named: str) -> None:
    answer = await client.post("/products", json=fields)
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert isinstance(problem["detail"], str)
    assert any(named in [*error["loc"], *error["msg"].split()] for error in problem["errors"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b'{"title": "a\\u0000b"}',
        b'{"title": "a\\ud800b"}',
        b'{"title": "Mug", "metadata": {"n": 1e999}}',
        b'{"title": "Mug", "metadata": {"n": NaN}}',
        b'{"title": "Mug", "metadata": ' + b'{"a":' * 300 + b"1" + b"}" * 301,
        b"\xff\xfe",
    ],
    ids=lambda body: body[:40].decode("latin-1"),
)
async def test_json_that_cannot_be_stored_is_refused(client: AsyncClient, body: bytes) -> None:
    answer = await client.post("/products", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422), answer.text


async def test_a_derived_slug_finds_a_free_place(client: AsyncClient, stranger: AsyncClient) -> None:
    title = f"Über mug {uuid4().hex}"
    base = title.lower().replace("ü", "u").replace(" ", "-")
    slugs = [(await create(someone, title=title))["slug"] for someone in (client, stranger, client)]
    assert slugs == [base, f"{base}-2", f"{base}-3"]


async def test_many_products_of_one_name_at_once_all_get_a_slug(client: AsyncClient) -> None:
    title = f"Mug {uuid4().hex}"
    created = await asyncio.gather(*(create(client, title=title) for _ in range(20)))
    slugs = {product["slug"] for product in created}
    assert len(slugs) == 20
    assert all(slug.startswith(title.lower().replace(" ", "-")) for slug in slugs)


async def test_a_title_without_latin_letters_gets_a_slug_too(client: AsyncClient) -> None:
    assert (await create(client, title="茶碗"))["slug"].startswith("product")


async def test_an_explicit_slug_is_unique_in_the_installation(
    client: AsyncClient, stranger: AsyncClient
) -> None:
    slug = f"mug_{uuid4().hex}"
    product = await create(client, slug=slug)
    taken = await stranger.post("/products", json={"title": "Mug", "slug": slug})
    assert (taken.status_code, taken.json()["code"]) == (409, "slug_taken")
    other = await create(client)
    taken = await client.patch(f"/products/{other['id']}", json={"slug": slug})
    assert (taken.status_code, taken.json()["code"]) == (409, "slug_taken")
    assert (await client.get(f"/products/{other['id']}")).json() == other
    assert (await client.patch(f"/products/{product['id']}", json={"slug": slug})).status_code == 200


async def test_a_slug_that_was_given_up_is_free(client: AsyncClient, stranger: AsyncClient) -> None:
    old, new = uuid4().hex, uuid4().hex
    product = await create(client, slug=old)
    await client.patch(f"/products/{product['id']}", json={"slug": new})
    assert (await client.get(f"/products/by-slug/{new}")).json()["id"] == product["id"]
    assert (await client.get(f"/products/by-slug/{old}")).status_code == 404
    assert (await create(stranger, slug=old))["slug"] == old


async def test_a_product_is_found_by_its_slug(client: AsyncClient, stranger: AsyncClient) -> None:
    product = await create(client)
    found = await client.get(f"/products/by-slug/{product['slug']}")
    assert (found.status_code, found.json()) == (200, product)
    assert (await stranger.get(f"/products/by-slug/{product['slug']}")).status_code == 404
    assert (await client.get("/products/by-slug/No%20Slug%2f..")).status_code == 404


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_a_change_leaves_what_it_does_not_name(client: AsyncClient, method: str) -> None:
    product = await create(client, description="Holds tea", metadata={"sku": "M-1", "size": {"h": 9}})
    answer = await client.request(
        method,
        f"/products/{product['id']}",
        json={"status": "active", "description": None, "metadata": {"size": {"w": 8}}},
    )
    metadata = {"sku": "M-1", "size": {"h": 9, "w": 8}}
    assert answer.status_code == 200
    assert answer.json() == product | {
        "status": "active",
        "description": None,
        "metadata": metadata,
        "metadata_": metadata,
        "updated_at": answer.json()["updated_at"],
        "version": 2,
    }
    assert answer.headers["etag"].startswith('"2-')


async def test_a_product_can_be_sent_back_as_it_was_received(client: AsyncClient) -> None:
    product = await create(client)
    await upload(client, product["id"])
    received = (await client.get(f"/products/{product['id']}")).json()
    answer = await client.put(f"/products/{product['id']}", json=received)
    assert (answer.status_code, answer.json()) == (200, received)


@pytest.mark.parametrize("field", ["title", "name", "slug", "status"])
async def test_what_every_product_has_cannot_be_cleared(client: AsyncClient, field: str) -> None:
    product = await create(client)
    assert (await client.patch(f"/products/{product['id']}", json={field: None})).status_code == 422


async def test_a_stale_change_is_refused(client: AsyncClient) -> None:
    product = await create(client)
    path = f"/products/{product['id']}"
    seen = (await client.get(path)).headers["etag"]
    writers = (client.patch(path, json={"title": f"Mug {n}"}, headers={"if-match": seen}) for n in range(2))
    answers = await asyncio.gather(*writers)
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    stale = await client.delete(path, headers={"if-match": seen})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    fresh = (await client.get(path)).headers["etag"]
    assert (await client.delete(path, headers={"if-match": fresh})).status_code == 204


async def test_an_unchanged_product_is_not_sent_again(client: AsyncClient) -> None:
    product = await create(client)
    first = await client.get(f"/products/{product['id']}")
    again = await client.get(f"/products/{product['id']}", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    page = await client.get("/products")
    assert page.headers["etag"].startswith('W/"')
    again = await client.get("/products", headers={"if-none-match": page.headers["etag"]})
    assert again.status_code == 304


async def test_a_repeated_request_creates_one_product(client: AsyncClient) -> None:
    key = {"idempotency-key": uuid4().hex}
    answers = [await client.post("/products", json={"title": "Mug"}, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert (await client.get("/products")).json()["total"] == 1


async def test_a_deleted_product_is_gone_until_it_is_restored(client: AsyncClient) -> None:
    product = await create(client)
    path = f"/products/{product['id']}"
    await upload(client, product["id"])
    before = (await client.get(path)).json()
    assert (await client.delete(path)).status_code == 204
    gone = [
        await client.get(path),
        await client.get(f"{path}/references"),
        await client.get(f"/products/by-slug/{product['slug']}"),
        await client.patch(path, json={"title": "Cup"}),
        await client.delete(path),
    ]
    assert [answer.status_code for answer in gone] == [404] * 5
    assert (await client.get("/products")).json()["items"] == []
    [trash] = (await client.get("/products?deleted=true")).json()["items"]
    assert (trash["id"], trash["deleted_at"] is not None) == (product["id"], True)
    restored = await client.post(f"{path}/restore")
    assert restored.status_code == 200
    assert restored.json() == before | {"version": 4, "updated_at": restored.json()["updated_at"]}
    assert (await client.post(f"{path}/restore")).status_code == 200


async def test_a_strangers_product_does_not_exist(client: AsyncClient, stranger: AsyncClient) -> None:
    product = await create(client)
    path = f"/products/{product['id']}"
    refused = [
        await stranger.get(path),
        await stranger.get(f"{path}?as_of=1"),
        await stranger.get(f"{path}/history"),
        await stranger.patch(path, json={"title": "Cup"}),
        await stranger.patch(path, json={"title": "Cup"}, headers={"if-match": '"9"'}),
        await stranger.put(path, json={"title": "Cup"}),
        await stranger.delete(path),
        await stranger.post(f"{path}/restore"),
        await client.get(f"/products/{uuid7()}"),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(404, "product_not_found")}
    assert (await stranger.get("/products")).json()["total"] == 0
    assert (await client.get(path)).json() == product


async def test_without_a_login_there_is_nothing(client: AsyncClient) -> None:
    client.headers.pop("authorization")
    for method, path in (("GET", "/products"), ("POST", "/products"), ("GET", f"/products/{uuid7()}")):
        assert (await client.request(method, path)).status_code == 401


async def test_an_id_that_is_none_is_refused(client: AsyncClient) -> None:
    assert (await client.get("/products/42")).status_code == 422


async def test_a_request_asks_little_of_the_database(
    client: AsyncClient, service: Service[CatalogSettings]
) -> None:
    product = await create(client)
    await upload(client, product["id"])
    path = f"/products/{product['id']}"
    counts = {}
    async with statements(service.db.pool) as seen:
        for name, request in {
            "get": client.build_request("GET", path),
            "list": client.build_request("GET", "/products"),
            "references": client.build_request("GET", f"{path}/references"),
            "history": client.build_request("GET", f"{path}/history"),
            "create": client.build_request("POST", "/products", json={"title": "Mug"}),
            "change": client.build_request("PATCH", path, json={"title": "Cup"}),
            "delete": client.build_request("DELETE", path),
        }.items():
            seen.clear()
            assert (await client.send(request)).is_success
            counts[name] = len(seen)
    # begin, (reserve the slug,) load, append, read model, (read the answer,) commit
    assert counts == {
        "get": 1,
        "list": 1,
        "references": 1,
        "history": 1,
        "create": 6,
        "change": 6,
        "delete": 5,
    }

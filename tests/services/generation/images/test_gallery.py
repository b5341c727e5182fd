"""The gallery of a product: what is in it, in which order, and how it was at another time."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient
from uuid_utils.compat import uuid4

from libs.common.contracts.catalog import ProductChanged, ProductCreated, ProductDeleted, ProductRestored
from libs.common.service import Service
from tests.services.generation.neighbours import Neighbours
from tests.services.generation.pictures import hear, record, specification
from tests.statements import statements

Generation = Service[Any]


@pytest.fixture
async def product_id(service: Generation, owner_id: UUID) -> UUID:
    """A product that generation has heard of."""
    product_id = uuid4()
    await hear(service, product_id, ProductCreated(owner_id=owner_id, title="Mug", slug="mug"))
    return product_id


@pytest.fixture
async def three(service: Generation, owner_id: UUID, product_id: UUID) -> list[str]:
    """Three pictures, the oldest first."""
    facts: list[dict[str, Any]] = [
        {"prompt": "On a Marble table", "seed": 7, "specification": specification(1)},
        {"prompt": "100% wool_blanket", "seed": 8, "specification": specification(2), "kind": "refine"},
        {"prompt": "in snow", "seed": 9, "provider": "gemini", "model": "nano"},
    ]
    return [str(await record(service, owner_id, product_id, **one)) for one in facts]


async def ids(client: AsyncClient, product_id: UUID, **query: Any) -> list[str]:
    answer = await client.get(f"/products/{product_id}/gallery", params=query)
    assert answer.status_code == 200, answer.text
    return [image["id"] for image in answer.json()["items"]]


async def now(service: Generation) -> datetime:
    moment: datetime = await service.db.pool.fetchval("SELECT clock_timestamp()")
    return moment


async def test_the_newest_comes_first(client: AsyncClient, product_id: UUID, three: list[str]) -> None:
    assert await ids(client, product_id) == three[::-1]
    assert await ids(client, product_id, sort="created_at") == three


async def test_a_picture_is_shown_with_all_its_facts(
    client: AsyncClient, owner_id: UUID, product_id: UUID, three: list[str]
) -> None:
    image = (await client.get(f"/products/{product_id}/gallery")).json()["items"][-1]
    assert (image["id"], image["product_id"], image["created_by"]) == (
        three[0],
        str(product_id),
        str(owner_id),
    )
    assert (image["width"], image["height"], image["seed"], image["prompt"]) == (
        1024,
        768,
        7,
        "On a Marble table",
    )
    assert (image["specification_version"], image["favourite"], image["rating"]) == (1, False, None)
    assert image["filename"] == image["storage_path"].rpartition("/")[2]
    assert image["mime_type"] == image["content_type"] == "image/png"
    assert image["url"] == image["thumbnail_url"]
    assert image["s3_key"] in image["url"]
    assert image["variants"] == {}


async def test_pages(client: AsyncClient, product_id: UUID, three: list[str]) -> None:
    path = f"/products/{product_id}/gallery"
    first = await client.get(path, params={"page": 1, "limit": 2})
    assert [image["id"] for image in first.json()["items"]] == [three[2], three[1]]
    assert (first.json()["total"], first.json()["pages"]) == (3, 2)
    assert 'rel="next"' in first.headers["link"]
    assert await ids(client, product_id, page=2, limit=2) == [three[0]]
    assert await ids(client, product_id, limit=1, offset=1) == [three[1]]
    beyond = (await client.get(path, params={"page": 9})).json()
    assert (beyond["items"], beyond["total"]) == ([], 3)


@pytest.mark.parametrize("sort", ["created_at", "-created_at", "rating", "-rating"])
async def test_a_cursor_meets_every_picture_once(
    client: AsyncClient, product_id: UUID, three: list[str], sort: str
) -> None:
    await client.patch(f"/generated-images/{three[1]}", json={"rating": 3})
    everything, met, cursor = await ids(client, product_id, sort=sort), [], ""
    while cursor is not None:
        query: dict[str, Any] = {"cursor": cursor, "limit": 1, "sort": sort}
        page = (await client.get(f"/products/{product_id}/gallery", params=query)).json()
        met += [image["id"] for image in page["items"]]
        assert page["total"] == 3
        cursor = page["next_cursor"]
    assert met == everything


@pytest.mark.parametrize(
    "query", [{"sort": "prompt"}, {"limit": 101}, {"page": 0}, {"cursor": "!"}, {"cursor": "W10"}]
)
async def test_a_bad_page_is_refused(client: AsyncClient, product_id: UUID, query: dict[str, Any]) -> None:
    assert (await client.get(f"/products/{product_id}/gallery", params=query)).status_code == 422


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"search": "marble"}, [0]),
        ({"search": "100% WOOL_"}, [1]),
        ({"search": "0_w"}, []),
        ({"kind": "refine"}, [1]),
        ({"spec_version": 1}, [0]),
        ({"seed": 9}, [2]),
        ({"provider": "gemini"}, [2]),
        ({"model": "classical/1"}, [1, 0]),
        ({"rating": 5}, [2]),
        ({"rating": 4}, [0]),
        ({"min_rating": 4}, [2, 0]),
        ({"favourite": True}, [0]),
        ({"favourite": False}, [2, 1]),
        ({"favourite": True, "rating": 5}, []),
    ],
)
async def test_filters(
    client: AsyncClient, product_id: UUID, three: list[str], query: dict[str, Any], found: list[int]
) -> None:
    await client.patch(f"/generated-images/{three[0]}", json={"favourite": True, "rating": 4})
    await client.patch(f"/generated-images/{three[2]}", json={"rating": 5})
    assert await ids(client, product_id, **query) == [three[n] for n in found]


@pytest.mark.parametrize(
    "query", [{"rating": 6}, {"kind": "poem"}, {"spec_version": 0}, {"as_of": "yesterday"}]
)
async def test_a_bad_filter_is_named(client: AsyncClient, product_id: UUID, query: dict[str, Any]) -> None:
    answer = await client.get(f"/products/{product_id}/gallery", params=query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["query", *query]


async def test_the_best_come_first_and_the_unrated_last(
    client: AsyncClient, product_id: UUID, three: list[str]
) -> None:
    await client.patch(f"/generated-images/{three[0]}", json={"rating": 5})
    await client.patch(f"/generated-images/{three[1]}", json={"rating": 0})
    assert await ids(client, product_id, sort="-rating") == [three[0], three[1], three[2]]


async def test_as_it_was(
    client: AsyncClient, service: Generation, owner_id: UUID, product_id: UUID, three: list[str]
) -> None:
    made = await now(service)
    await client.patch(f"/generated-images/{three[0]}", json={"rating": 4, "favourite": True})
    rated = await now(service)
    await client.delete(f"/generated-images/{three[0]}")
    await client.patch(f"/generated-images/{three[1]}", json={"rating": 1})
    await record(service, owner_id, product_id)
    assert three[0] not in await ids(client, product_id)
    assert await ids(client, product_id, as_of=made.isoformat()) == three[::-1]
    assert await ids(client, product_id, as_of=made.isoformat(), min_rating=0) == []
    assert await ids(client, product_id, as_of=rated.isoformat(), rating=4) == [three[0]]
    assert await ids(client, product_id, as_of="2020-01-01T00:00:00") == []
    then = await client.get(
        f"/products/{product_id}/gallery", params={"as_of": rated.isoformat(), "sort": "-rating"}
    )
    assert [(image["rating"], image["favourite"]) for image in then.json()["items"]] == [
        (4, True),
        (None, False),
        (None, False),
    ]


async def test_the_bin_holds_what_can_be_restored(
    client: AsyncClient, product_id: UUID, three: list[str]
) -> None:
    await client.delete(f"/generated-images/{three[1]}")
    assert await ids(client, product_id, deleted=True) == [three[1]]
    assert await ids(client, product_id) == [three[2], three[0]]
    await client.post(f"/generated-images/{three[1]}/restore")
    assert await ids(client, product_id, deleted=True) == []


async def test_strangers_find_no_gallery(stranger: AsyncClient, product_id: UUID, three: list[str]) -> None:
    for path in ("gallery", "generations"):
        answer = await stranger.get(f"/products/{product_id}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "product_not_found")


async def test_a_product_whose_event_is_on_the_way_has_an_empty_gallery(
    client: AsyncClient, stranger: AsyncClient, owner_id: UUID, neighbours: Neighbours
) -> None:
    product_id = await neighbours.product(owner_id)
    assert await ids(client, product_id) == []
    assert (await stranger.get(f"/products/{product_id}/gallery")).status_code == 404
    assert (await client.get(f"/products/{uuid4()}/gallery")).status_code == 404


async def test_a_deleted_product_hides_its_pictures_until_it_is_restored(
    client: AsyncClient, service: Generation, owner_id: UUID
) -> None:
    product_id = uuid4()
    image_id = await record(service, owner_id, product_id)
    created = ProductCreated(owner_id=owner_id, title="Mug", slug="mug")
    renamed = ProductChanged(owner_id=owner_id, changes={"title": "Cup"})
    deleted = ProductDeleted(owner_id=owner_id, restorable_until=await now(service))
    paths = [
        f"/products/{product_id}/gallery",
        f"/products/{product_id}/generations",
        f"/generated-images/{image_id}",
    ]
    await hear(service, product_id, created, renamed, deleted)
    assert [(await client.get(path)).status_code for path in paths] == [404] * 3
    await hear(service, product_id, created, renamed, deleted, ProductRestored(owner_id=owner_id))
    assert [(await client.get(path)).status_code for path in paths] == [200] * 3


async def test_a_gallery_takes_two_statements(
    client: AsyncClient, service: Generation, product_id: UUID, three: list[str]
) -> None:
    async with statements(service.db.pool) as seen:
        await ids(client, product_id, limit=2)
    assert len(seen) == 2, seen

"""Lists: filters, search, sorting, and every spelling of a page."""

from typing import Any

import pytest
from httpx import AsyncClient

from tests.services.catalog.requests import create

Names = list[str]


@pytest.fixture
async def five(client: AsyncClient) -> Names:
    """Five products, their titles in the order they were made."""
    titles = ["Delta", "alpha", "Charlie", "Bravo", "echo"]
    for title in titles:
        await create(client, title=title)
    return titles


async def titles(client: AsyncClient, query: str = "") -> Names:
    return [product["title"] for product in (await page(client, query))["items"]]


async def page(client: AsyncClient, query: str = "") -> dict[str, Any]:
    answer = await client.get(f"/products?{query}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_the_newest_come_first(client: AsyncClient, five: Names) -> None:
    body = await page(client)
    assert [product["title"] for product in body["items"]] == five[::-1]
    assert (body["total"], body["page"], body["page_size"], body["pages"]) == (5, 1, 20, 1)


@pytest.mark.parametrize("query", ["page=2&page_size=2", "page=2&limit=2", "limit=2&offset=2"])
async def test_a_page_can_be_asked_for_in_every_spelling(
    client: AsyncClient, five: Names, query: str
) -> None:
    body = await page(client, query)
    assert [product["title"] for product in body["items"]] == five[::-1][2:4]
    assert body["total"] == 5


@pytest.mark.parametrize("query", ["page=9&page_size=2", "limit=2&offset=40"])
async def test_a_page_behind_the_last_is_empty_and_knows_the_total(
    client: AsyncClient, five: Names, query: str
) -> None:
    body = await page(client, query)
    assert (body["items"], body["total"]) == ([], 5)


@pytest.mark.parametrize("sort", ["-created_at", "created_at", "title", "-name", "updated_at"])
async def test_a_cursor_visits_every_product_once(client: AsyncClient, five: Names, sort: str) -> None:
    expected = await titles(client, f"sort={sort}")
    seen, cursor = [], ""
    while cursor is not None:
        body = await page(client, f"sort={sort}&limit=2&cursor={cursor}")
        seen += [product["title"] for product in body["items"]]
        assert (len(body["items"]) <= 2, body["total"]) == (True, 5)
        cursor = body["next_cursor"]
    assert seen == expected


async def test_a_cursor_is_not_disturbed_by_what_is_created_meanwhile(
    client: AsyncClient, five: Names
) -> None:
    first = await page(client, "limit=3&cursor=")
    await create(client, title="late")
    rest = await page(client, f"limit=3&cursor={first['next_cursor']}")
    assert [product["title"] for product in first["items"] + rest["items"]] == five[::-1]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("created_at", ["Delta", "alpha", "Charlie", "Bravo", "echo"]),
        ("title", ["Bravo", "Charlie", "Delta", "alpha", "echo"]),
        ("-name", ["echo", "alpha", "Delta", "Charlie", "Bravo"]),
    ],
)
async def test_a_list_is_sorted_as_asked(
    client: AsyncClient, five: Names, sort: str, expected: Names
) -> None:
    assert await titles(client, f"sort={sort}") == expected


async def test_the_last_changed_can_come_first(client: AsyncClient, five: Names) -> None:
    [product] = (await page(client, "search=charlie"))["items"]
    await client.patch(f"/products/{product['id']}", json={"category": "x"})
    assert (await titles(client, "sort=-updated_at"))[0] == "Charlie"


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=x",
        "page=99999999999999999999",
        "page_size=0",
        "page_size=101",
        "limit=101",
        "offset=-1",
        "offset=99999999999999999999",
        "sort=owner_id",
        "sort=--title",
        "cursor=x",
        "cursor=bm8",
        "cursor=WzFd",
        "cursor=WzEsMl0",
        "cursor=WyJhIiwiYiJd",
        "status=sold",
        "deleted=perhaps",
        f"search={'x' * 201}",
    ],
    ids=lambda query: query[:30],
)
async def test_a_page_out_of_range_is_refused(client: AsyncClient, query: str) -> None:
    answer = await client.get(f"/products?{query}")
    assert answer.status_code == 422, answer.text
    assert query.split("=")[0] in answer.text


async def test_a_nul_in_the_address_is_refused(client: AsyncClient) -> None:
    assert (await client.get("/products?search=%00")).status_code == 400


async def test_filters_go_together(client: AsyncClient) -> None:
    await create(client, title="A", category="Kitchen", tags=["tea", "red"], status="active")
    await create(client, title="B", category="Kitchen", tags=["tea"], status="draft")
    await create(client, title="C", category="Garden", tags=["red"], status="archived")
    assert await titles(client, "category=Kitchen") == ["B", "A"]
    assert await titles(client, "category=kitchen") == []
    assert await titles(client, "status=archived") == ["C"]
    assert await titles(client, "status=processing") == []
    assert await titles(client, "tags=red") == ["C", "A"]
    assert await titles(client, "tags=tea,red") == ["A"]
    assert await titles(client, "tags=tea&tags=red") == ["A"]
    assert await titles(client, "category=Kitchen&status=draft&tags=tea") == ["B"]
    assert (await page(client, "category=Kitchen&page_size=1"))["total"] == 2


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("mug", True),
        ("MUG", True),
        ("stone", True),
        ("mug stone", True),
        ("mug steel", False),
        ("ug", False),
        ("teal", True),
        ("SKU-12", True),
        ("12", True),
        ("sku", True),
        ("été", True),
        ("kitchen", True),
        ("cups", True),
        ("v2", True),
        ("'; DROP TABLE products; --", False),
        ("mug & !stone | :*", True),
        ("\\'", False),
        ("%", False),
    ],
)
async def test_search_finds_words_by_their_beginning(client: AsyncClient, search: str, found: bool) -> None:
    await create(
        client,
        title="Stoneware mug SKU-12",
        description="Teal, holds tea. L'Été/v2",
        category="Kitchen",
        subcategory="Cups",
    )
    answer = await client.get("/products", params={"search": search})
    assert (answer.status_code, answer.json()["total"]) == (200, int(found))


async def test_a_changed_title_is_found_anew(client: AsyncClient) -> None:
    product = await create(client, title="Mug")
    await client.patch(f"/products/{product['id']}", json={"title": "Bowl"})
    assert (await titles(client, "search=bowl"), await titles(client, "search=mug")) == (["Bowl"], [])


async def test_the_list_can_be_seen_as_it_was(
    client: AsyncClient, stranger: AsyncClient, five: Names
) -> None:
    products = (await page(client))["items"]
    then = products[0]["updated_at"]
    await client.patch(f"/products/{products[0]['id']}", json={"title": "Zulu", "category": "new"})
    await client.delete(f"/products/{products[1]['id']}")
    assert set(await titles(client)) == {"Zulu", "Charlie", "alpha", "Delta"}
    assert (await page(client, f"as_of={then}"))["items"] == products
    assert (await page(client, f"as_of={then}&sort=title&limit=2&offset=1"))["total"] == 5
    assert await titles(client, f"as_of={then}&search=ech") == ["echo"]
    assert await titles(client, f"as_of={then}&category=new") == []
    assert (await page(stranger, f"as_of={then}"))["items"] == []


async def test_what_was_deleted_is_of_the_present_only(client: AsyncClient) -> None:
    answer = await client.get("/products", params={"as_of": "2999-01-01", "deleted": True})
    assert (answer.status_code, answer.json()["detail"].split(":")[0]) == (422, "deleted")

"""Validators, pages and the edge's headers."""

import asyncio
from uuid import UUID

import pytest
from httpx import AsyncClient

from tests.libs.common.counters import Added, Counters, log
from tests.libs.common.http.conftest import OpenClient


async def create(client: AsyncClient, amount: int = 1) -> str:
    return str((await client.post("/counters", json={"amount": amount})).json()["counter_id"])


async def test_the_etag_is_the_version_that_if_match_takes(client: AsyncClient) -> None:
    counter = f"/counters/{await create(client)}"
    seen = (await client.get(counter)).headers["etag"]
    changed = await client.patch(counter, json={"amount": 1}, headers={"if-match": seen})
    assert (changed.status_code, changed.json()["total"]) == (200, 2)
    stale = await client.patch(counter, json={"amount": 1}, headers={"if-match": seen})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    again = await client.patch(counter, json={"amount": 1}, headers={"if-match": changed.headers["etag"]})
    assert again.headers["etag"] == (await client.get(counter)).headers["etag"]


@pytest.mark.parametrize("tag", ['"1"', 'W/"1"', '"1-abc"', '"1-abc-gzip"', "*"])
async def test_if_match_reads_the_version_alone(client: AsyncClient, tag: str) -> None:
    counter = f"/counters/{await create(client)}"
    assert (await client.patch(counter, json={"amount": 1}, headers={"if-match": tag})).status_code == 200


@pytest.mark.parametrize("tag", ["1", '"x"', '"1", "2"', '"99999999999"', ""])
async def test_an_if_match_that_is_no_tag_of_ours_is_refused(client: AsyncClient, tag: str) -> None:
    counter = f"/counters/{await create(client)}"
    answer = await client.patch(counter, json={"amount": 1}, headers={"if-match": tag})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_if_match")


async def test_of_two_writers_with_the_same_tag_one_wins(client: AsyncClient) -> None:
    counter = f"/counters/{await create(client)}"

    async def patch() -> int:
        return (await client.patch(counter, json={"amount": 1}, headers={"if-match": '"1"'})).status_code

    answers = await asyncio.gather(*(patch() for _ in range(5)))
    assert sorted(answers) == [200, 412, 412, 412, 412]


@pytest.mark.parametrize("path", ["/counters/{}", "/counters?page_size=1"])
async def test_an_unchanged_answer_is_not_sent_again(client: AsyncClient, path: str) -> None:
    counter = await create(client)
    first = await client.get(path.format(counter))
    same = await client.get(path.format(counter), headers={"if-none-match": first.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["etag"] == first.headers["etag"]
    await client.patch(f"/counters/{counter}", json={"amount": 1})
    changed = await client.get(path.format(counter), headers={"if-none-match": first.headers["etag"]})
    assert changed.status_code == 200


async def test_a_head_is_answered_as_a_get_is_without_its_body(client: AsyncClient) -> None:
    counter = f"/counters/{await create(client)}"
    whole, head = await client.get(counter), await client.head(counter)
    assert (head.status_code, head.content) == (200, b"")
    same = ("etag", "content-length", "content-type")
    assert [head.headers[name] for name in same] == [whole.headers[name] for name in same]
    unchanged = await client.head(counter, headers={"if-none-match": whole.headers["etag"]})
    assert unchanged.status_code == 304
    assert (await client.head(f"{counter}/name")).status_code == 405, "what cannot be read has no head"


async def test_every_spelling_of_a_page_gives_the_same_items(client: AsyncClient) -> None:
    for amount in range(1, 6):
        await create(client, amount)

    async def totals(query: str) -> list[int]:
        return [item["total"] for item in (await client.get(f"/counters?{query}")).json()["items"]]

    assert await totals("") == [5, 4, 3, 2, 1]
    assert await totals("sort=total") == [1, 2, 3, 4, 5]
    assert await totals("page=2&page_size=2") == await totals("limit=2&page=2") == [3, 2]
    assert await totals("limit=2&offset=1") == [4, 3]
    assert await totals("page=4&page_size=2") == []


async def test_a_page_says_what_surrounds_it(client: AsyncClient) -> None:
    for amount in range(1, 6):
        await create(client, amount)
    page = await client.get("/counters?page=2&page_size=2&sort=total")
    assert {name: page.json()[name] for name in ("total", "page", "page_size", "pages")} == {
        "total": 5,
        "page": 2,
        "page_size": 2,
        "pages": 3,
    }
    assert page.headers["link"] == (
        '</api/v1/counters?page_size=2&sort=total&page=3>; rel="next", '
        '</api/v1/counters?page_size=2&sort=total&page=1>; rel="prev"'
    )
    part = (await client.get("/counters?limit=2&offset=4")).json()
    assert (part["limit"], part["offset"], part["total"], len(part["items"])) == (2, 4, 5, 1)
    after = (await client.get("/counters?cursor=&limit=2")).json()
    following = await client.get("/counters", params={"cursor": after["next_cursor"]})
    assert following.status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=-1",
        "page=x",
        "page=99999999999999999999999",
        "page_size=101",
        "limit=0",
        "offset=-1",
        "offset=99999999999999999999",
        "sort=secret",
        "sort=--total",
        "cursor=%25%25",
        "cursor=bm9wZQ",
        "cursor=ä",
    ],
)
async def test_a_page_that_cannot_be_is_refused(client: AsyncClient, query: str) -> None:
    answer = await client.get(f"/counters?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"][0] == "query"


async def test_a_request_id_is_taken_or_made(client: AsyncClient) -> None:
    given = await client.get("/counters", headers={"x-request-id": "my-id.1"})
    made = await client.get("/counters", headers={"x-request-id": "not an id"})
    assert given.headers["x-request-id"] == "my-id.1"
    assert UUID(made.headers["x-request-id"])


async def test_events_know_the_request_that_made_them(client: AsyncClient, scratch: Counters) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {"x-request-id": "request-1", "traceparent": trace}
    created = await client.post("/counters", json={"amount": 1}, headers=headers)
    async with scratch.db.pool.acquire() as con:
        [recorded] = await log.load(con, scratch.keys, UUID(created.json()["counter_id"]))
    assert isinstance(recorded.event, Added)
    assert recorded.meta.correlation_id == "request-1"
    assert recorded.meta.actor == "user:00000000-0000-0000-0000-000000000001"
    assert recorded.meta.traceparent
    assert recorded.meta.traceparent.split("-")[1] == trace.split("-")[1]


async def test_platform_routes(client: AsyncClient) -> None:
    health = (await client.get("http://test/health")).json()
    ready = await client.get("http://test/ready")
    await client.get("/counters")
    metrics = (await client.get("http://test/metrics")).text
    assert (health["status"], health["service"]) == ("healthy", "scratch")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert 'http_requests_total{method="GET",route="/api/v1/counters",status="200"}' in metrics


async def test_the_document_says_what_is_refused_and_what_needs_a_login(client: AsyncClient) -> None:
    document = (await client.get("http://test/openapi.json")).json()
    create = document["paths"]["/api/v1/counters"]["post"]
    echo = document["paths"]["/api/v1/echo"]["post"]
    assert create["responses"]["4XX"]["content"]["application/problem+json"]
    assert create["security"] == [{"bearer": []}]
    assert "security" not in echo
    assert "422" not in create["responses"]
    assert {"Problem", "FieldError", "CounterOut"} <= document["components"]["schemas"].keys()
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


async def test_the_document_can_be_withheld(open_client: OpenClient) -> None:
    async with open_client(docs_enabled=False) as client:
        assert (await client.get("http://test/openapi.json")).status_code == 404

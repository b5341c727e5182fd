import asyncio
from datetime import timedelta

import pytest
from httpx import AsyncClient, Response

from libs.common import idempotency
from libs.common.sql import Bound
from tests.libs.common.counters import Counters
from tests.libs.common.http.conftest import ALICE, BOB, OpenClient
from tests.libs.common.waiting import eventually


def key(name: str) -> dict[str, str]:
    return {"idempotency-key": name}


async def count(scratch: Counters, table: str = "totals") -> int:
    return int(await scratch.db.fetchval(Bound(f"SELECT count(*) FROM {table}", ())))


async def test_a_repeated_request_gets_the_first_answer(client: AsyncClient, scratch: Counters) -> None:
    first = await client.post("/counters", json={"amount": 1}, headers=key("k"))
    again = await client.post("/counters", json={"amount": 1}, headers=key("k"))
    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert await count(scratch) == 1


async def test_without_a_key_each_request_counts(client: AsyncClient, scratch: Counters) -> None:
    await client.post("/counters", json={"amount": 1})
    await client.post("/counters", json={"amount": 1})
    assert await count(scratch) == 2


async def test_a_key_belongs_to_one_body_one_route_and_one_caller(
    client: AsyncClient, open_client: OpenClient, scratch: Counters
) -> None:
    await client.post("/counters", json={"amount": 1}, headers=key("k"))
    other_body = await client.post("/counters", json={"amount": 2}, headers=key("k"))
    other_route = await client.post("/echo", json={"amount": 1}, headers=key("k"))
    async with open_client(account=BOB) as bob:
        other_caller = await bob.post("/counters", json={"amount": 1}, headers=key("k"))
    assert (other_body.status_code, other_body.json()["code"]) == (422, "idempotency_key_reused")
    assert other_route.status_code == 200
    assert other_caller.status_code == 201
    assert await count(scratch) == 2


async def test_parallel_requests_with_one_key_have_one_effect(client: AsyncClient, scratch: Counters) -> None:
    async def post() -> Response:
        return await client.post("/counters", json={"amount": 1}, headers=key("k"))

    answers = await asyncio.gather(*(post() for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert await count(scratch) == 1


async def test_a_refusal_is_not_kept(client: AsyncClient, scratch: Counters) -> None:
    refused = await client.post("/counters", json={"amount": -1}, headers=key("k"))
    assert refused.status_code == 409
    assert await count(scratch, "idempotency_keys") == 0
    assert (await client.post("/counters", json={"amount": 1}, headers=key("k"))).status_code == 201


async def test_answers_with_tokens_are_not_kept(client: AsyncClient, scratch: Counters) -> None:
    first = await client.post("/login", json={}, headers=key("k"))
    again = await client.post("/login", json={}, headers=key("k"))
    assert first.json() != again.json()
    assert await count(scratch, "idempotency_keys") == 0


async def test_a_multipart_body_is_the_same_whatever_its_boundary(client: AsyncClient) -> None:
    async def post(content: bytes) -> Response:
        return await client.post("/photos", files={"files": content}, data={"note": "n"}, headers=key("k"))

    first, again, other = await post(b"a"), await post(b"a"), await post(b"b")
    assert first.request.headers["content-type"] != again.request.headers["content-type"]
    assert first.content == again.content
    assert other.json()["code"] == "idempotency_key_reused"


async def test_a_route_that_waits_is_answered_early_when_repeated(
    client: AsyncClient, scratch: Counters
) -> None:
    counter = (await client.post("/counters", json={"amount": 1})).json()["counter_id"]

    async def post() -> Response:
        return await client.post(f"/counters/{counter}/slow", json={"amount": 5}, headers=key("k"))

    waiting = asyncio.create_task(post())
    await eventually(lambda: count(scratch, "idempotency_keys"))
    early = await post()
    assert (early.status_code, early.json()) == (202, {"status": "queued"})
    await client.post(f"/counters/{counter}/name", json={"name": "n"})
    final = await waiting
    late = await post()
    assert (final.status_code, final.json()) == (late.status_code, late.json()) == (200, {"status": "done"})
    assert (await client.get(f"/counters/{counter}")).json()["total"] == 6


@pytest.mark.parametrize("bad", ["", "x" * 256, "a b", "ä"])
async def test_a_key_is_short_visible_text(client: AsyncClient, bad: str) -> None:
    answer = await client.post("/counters", json={"amount": 1}, headers=[(b"idempotency-key", bad.encode())])
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_idempotency_key")


async def test_after_a_day_a_key_is_forgotten(client: AsyncClient, scratch: Counters) -> None:
    await client.post("/counters", json={"amount": 1}, headers=key("old"))
    await scratch.db.execute(
        Bound("UPDATE idempotency_keys SET created_at = created_at - $1::interval", (timedelta(hours=25),))
    )
    assert (await client.post("/counters", json={"amount": 2}, headers=key("old"))).status_code == 201
    assert await count(scratch) == 2
    await scratch.db.execute(
        Bound("UPDATE idempotency_keys SET created_at = created_at - $1::interval", (timedelta(hours=25),))
    )
    await client.post("/counters", json={"amount": 2}, headers=key("new"))
    await idempotency.purge(scratch.db)
    assert await count(scratch, "idempotency_keys") == 1


async def test_kept_answers_name_their_owner(client: AsyncClient, scratch: Counters) -> None:
    """So that they go when the account is erased."""
    await client.post("/counters", json={"amount": 1}, headers=key("k"))
    assert await scratch.db.fetchval(Bound("SELECT owner_id FROM idempotency_keys", ())) == ALICE

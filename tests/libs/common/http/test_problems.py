from collections.abc import AsyncIterator

import pytest
from httpx import AsyncClient

from tests.libs.common.http.conftest import ALICE, OpenClient


async def test_a_refusal_is_a_problem(client: AsyncClient) -> None:
    answer = await client.get(f"/counters/{'0' * 8}-0000-0000-0000-{'0' * 12}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body.pop("trace_id")
    assert body == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "there is no such counter",
        "code": "not_found",
    }


async def test_a_field_error_names_the_field(client: AsyncClient) -> None:
    answer = await client.post("/counters", json={"amount": "many"})
    assert answer.status_code == 422
    body = answer.json()
    assert body["code"] == "validation_error"
    assert body["detail"].startswith("amount: ")
    assert body["errors"] == [
        {"loc": ["body", "amount"], "msg": body["errors"][0]["msg"], "type": "int_parsing"}
    ]


async def test_unknown_paths_and_methods_are_problems(client: AsyncClient) -> None:
    method = await client.delete("/counters")
    for path in ("/nowhere", "/counters/"):
        unknown = await client.get(path)
        assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert (method.status_code, method.json()["code"]) == (405, "method_not_allowed")


async def test_a_bug_shows_nothing_in_production(open_client: OpenClient) -> None:
    async with open_client(app_env="production") as client:
        answer = await client.get("/broken")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    assert answer.json()["trace_id"]


async def test_an_outage_says_when_to_come_back(client: AsyncClient) -> None:
    answer = await client.get("/away")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")


async def test_a_database_that_is_away_is_no_bug(open_client: OpenClient) -> None:
    async with open_client(database_url="postgresql://nobody@127.0.0.1:9/none") as client:
        read = await client.get("/square", params={"number": 3})
        ready = await client.get("http://test/ready")
    assert (read.status_code, read.json()["code"]) == (503, "unavailable")
    assert int(read.headers["retry-after"]) > 0
    assert ready.status_code == 503
    assert ready.json()["checks"] == {"database": "unavailable", "nats": "ok", "object_store": "ok"}


async def test_an_object_store_that_is_away_is_no_bug(open_client: OpenClient) -> None:
    async with open_client(account=ALICE, s3_endpoint="http://127.0.0.1:9") as client:
        answer = await client.post("/photos", files={"files": b"x"}, data={"note": "n"})
    assert answer.status_code == 503


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": ' + b"9" * 400 + b".0}",
        b'{"a": "\\u0000"}',
        b'{"\\u0000": 1}',
        b'{"a": ["x", {"b": "\\u0000"}]}',
        b'{"a": "\\ud800"}',
        b'{"a": "\xff"}',
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=lambda body: repr(body[:24]),
)
async def test_json_that_cannot_be_stored_is_refused(client: AsyncClient, body: bytes) -> None:
    answer = await client.post("/echo", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_escaped_backslash_is_no_nul(client: AsyncClient) -> None:
    answer = await client.post(
        "/echo", content=rb'{"a": "\\u0000 1e999"}', headers={"content-type": "application/json"}
    )
    assert answer.json()["body"] == {"a": "\\u0000 1e999"}


async def test_a_body_without_its_type_is_refused(client: AsyncClient) -> None:
    answer = await client.post("/echo", content=b'{"a": 1}', headers={"content-type": "text/plain"})
    assert answer.status_code == 422


@pytest.mark.parametrize("path", ["/counters/%00", "/square?number=%00", "/square?number=1&x=%00"])
async def test_nul_in_an_address_is_refused(client: AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 400


@pytest.mark.parametrize("number", ["99999999999", "1e5", "9" * 5000, ""])
async def test_a_number_out_of_range_is_the_callers_mistake(client: AsyncClient, number: str) -> None:
    assert (await client.get("/square", params={"number": number})).status_code == 422


async def test_what_only_the_database_refuses_is_the_callers_mistake(client: AsyncClient) -> None:
    answer = await client.post("/notes", data={"text": "a\x00b"})
    assert (answer.status_code, answer.json()["code"]) == (422, "out_of_range")


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(client: AsyncClient) -> None:
    read = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(100):
            read += 100_000
            yield b"x" * 100_000

    headers = {"content-type": "application/json"}
    assert (await client.post("/echo", content=b"x" * 1_100_000, headers=headers)).status_code == 413
    assert (await client.post("/echo", content=chunks(), headers=headers)).status_code == 413
    assert read <= 1_200_000


async def test_each_route_has_its_own_greatest_body(client: AsyncClient) -> None:
    small = await client.post("/photos", files={"files": b"x" * 100_000}, data={"note": "n"})
    large = await client.post("/photos", files={"files": b"x" * 300_000}, data={"note": "n"})
    assert (small.status_code, large.status_code) == (200, 413)


async def test_a_broken_multipart_body_is_refused(client: AsyncClient) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    for body in (b"--x\r\nnonsense", b"", b"--y--"):
        answer = await client.post("/photos", content=body, headers=headers)
        assert answer.status_code in (400, 422), answer.text

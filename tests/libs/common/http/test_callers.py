from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient

from libs.common.bus import Bus
from libs.common.database import Reader
from libs.common.errors import Unauthorized
from libs.common.http import create_app
from tests.libs.common.http.conftest import ALICE, BOB, OpenClient
from tests.libs.common.http.counter_api import COUNTERS, routes
from tests.libs.common.waiting import eventually


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    "header", [{}, bearer("x.y.z"), {"authorization": "Basic eDp5"}, {"authorization": "Bearer"}]
)
async def test_a_private_route_wants_a_token(stranger: AsyncClient, header: dict[str, str]) -> None:
    answer = await stranger.post("/counters", json={"amount": 1}, headers=header)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"


async def test_strangers_cannot_make_us_read_their_bodies(stranger: AsyncClient) -> None:
    async def chunks() -> Any:
        raise AssertionError("the body was read")
        yield b""

    headers = {"content-type": "application/json"}
    assert (await stranger.post("/counters", content=chunks(), headers=headers)).status_code == 401


async def test_an_optional_login_is_checked_if_there_is_one(
    stranger: AsyncClient, token: Callable[..., str]
) -> None:
    assert (await stranger.post("/echo", json={})).json()["caller"] is None
    known = await stranger.post("/echo", json={}, headers=bearer(token(ALICE)))
    assert known.json()["caller"] == str(ALICE)
    expired = token(ALICE, access_token_expire_minutes=1, jwt_issuer="other")
    assert (await stranger.post("/echo", json={}, headers=bearer(expired))).status_code == 401


async def test_a_public_route_does_not_mind_a_bad_token(stranger: AsyncClient) -> None:
    assert (await stranger.post("/login", json={}, headers=bearer("x"))).status_code == 200


async def test_a_role_is_the_only_403(client: AsyncClient, token: Callable[..., str]) -> None:
    refused = await client.get("/admin")
    assert (refused.status_code, refused.json()["code"]) == (403, "admin_only")
    assert (await client.get("/admin", headers=bearer(token(BOB, "admin")))).status_code == 200


async def test_a_stream_takes_the_token_in_its_address(
    stranger: AsyncClient, token: Callable[..., str]
) -> None:
    assert (await stranger.get("/stream", params={"token": token(ALICE)})).json() == str(ALICE)
    assert (await stranger.get("/stream", headers=bearer(token(ALICE)))).json() == str(ALICE)
    assert (await stranger.get("/stream", params={"token": "x"})).status_code == 401
    assert (await stranger.get("/stream")).status_code == 401


async def test_a_ticket_is_redeemed_by_auth(stranger: AsyncClient, nats: str) -> None:
    unused = {"t1"}

    async def redeem(question: dict[str, Any]) -> dict[str, Any]:
        if question["ticket"] not in unused:
            raise Unauthorized("used before", code="invalid_ticket")
        unused.remove(question["ticket"])
        return {"account_id": str(ALICE), "role": "user", "session_id": None, "expires_at": 9e9}

    bus = await Bus.connect(nats, "auth")
    try:
        nobody = await stranger.get("/stream", params={"ticket": "t1"})
        await bus.answer("auth", "redeem_ticket", redeem)
        await bus.flush()
        first = await stranger.get("/stream", params={"ticket": "t1"})
        again = await stranger.get("/stream", params={"ticket": "t1"})
    finally:
        await bus.close()
    assert nobody.status_code == 503
    assert first.json() == str(ALICE)
    assert (again.status_code, again.json()["code"]) == (401, "invalid_ticket")


async def test_a_deactivated_account_is_refused_at_once(
    open_client: OpenClient, variables: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("libs.common.identity._RELOAD_SECONDS", 0.01)
    refused: set[UUID] = set()

    async def load(_: Reader) -> Iterable[UUID]:
        return refused

    async def is_refused() -> bool:
        return bool((await client.get("/counters")).status_code == 401)

    async def is_accepted() -> bool:
        return bool((await client.get("/counters")).status_code == 200)

    app = create_app(COUNTERS, [routes], refused_accounts=load, **variables)
    async with app.router.lifespan_context(app), open_client(app, account=ALICE) as client:
        assert await is_accepted()
        refused.add(ALICE)
        await eventually(is_refused)
        assert (await client.get("/counters")).json()["code"] == "account_deactivated"
        refused.clear()
        await eventually(is_accepted)

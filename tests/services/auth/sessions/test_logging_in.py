"""Logging in, over HTTP."""

import asyncio
from datetime import timedelta
from hashlib import pbkdf2_hmac
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from httpx import AsyncClient

from libs.common.service import Service
from libs.common.sql import Bound
from libs.common.tokens import sign_access_token
from services.auth import passwords
from services.auth.settings import AuthSettings
from tests.services.auth.conftest import PASSWORD, OpenClient, Person, bearer, refused
from tests.statements import statements

LOGIN, REFRESH = "/auth/login", "/auth/refresh"


async def test_by_email_by_username_and_in_any_case(ada: Person) -> None:
    for body in ({"email": ada.email.upper()}, {"username": ada.username.upper()}, {"username": ada.email}):
        answer = await ada.client.post(LOGIN, json={**body, "password": PASSWORD})
        assert answer.json()["user"]["id"] == ada.id


async def test_what_a_login_answers(ada: Person) -> None:
    tokens = await ada.log_in()
    user = (await ada.client.get("/auth/me", headers=bearer(tokens["token"]))).json()
    assert tokens == {
        "access_token": tokens["token"],
        "refresh_token": tokens["refresh_token"],
        "token_type": "bearer",
        "expires_in": 1800,
        "token": tokens["token"],
        "user": user,
    }
    assert (user["id"], user["userid"], user["email"]) == (ada.id, ada.userid, ada.email)


async def test_a_login_is_not_cached(ada: Person) -> None:
    answer = await ada.client.post(LOGIN, json={"email": ada.email, "password": PASSWORD})
    assert answer.headers["cache-control"] == "no-store"


async def test_the_older_path_is_the_same(ada: Person) -> None:
    assert (await ada.log_in("/login"))["user"]["id"] == ada.id


async def test_a_wrong_password_and_an_unknown_name_look_the_same(ada: Person) -> None:
    wrong = await ada.client.post(LOGIN, json={"email": ada.email, "password": "wrong password"})
    unknown = await ada.client.post(LOGIN, json={"email": "nobody@example.com", "password": PASSWORD})
    one, other = (refused(answer, 401, "invalid_credentials") for answer in (wrong, unknown))
    assert one["detail"] == other["detail"]


@pytest.mark.parametrize("body", [{"password": PASSWORD}, {"email": "ada@example.com"}, {}, []])
async def test_an_incomplete_login(client: AsyncClient, body: Any) -> None:
    refused(await client.post(LOGIN, json=body), 422, "validation_error")


async def test_admins_log_in_as_admins(client: AsyncClient, ada: Person) -> None:
    admin = await client.post("/admin/login", json={"username": "admin", "password": "admin123"})
    assert admin.json()["user"]["role"] == "admin"
    user = await client.post("/admin/login", json={"email": ada.email, "password": PASSWORD})
    refused(user, 401, "invalid_credentials")


async def test_a_hash_of_an_earlier_system_is_replaced(service: Service[AuthSettings], ada: Person) -> None:
    stored = "pbkdf2:sha256:1000$NaCl$" + pbkdf2_hmac("sha256", PASSWORD.encode(), b"NaCl", 1000).hex()
    update = "UPDATE credentials SET password_hash = $2 WHERE account_id = $1"
    await service.db.execute(Bound(update, (UUID(ada.id), stored)))
    wrong = await ada.client.post(LOGIN, json={"email": ada.email, "password": "wrong"})
    refused(wrong, 401, "invalid_credentials")
    await ada.log_in()
    query = "SELECT password_hash FROM credentials WHERE account_id = $1"
    assert not passwords.outdated(await service.db.fetchval(Bound(query, (UUID(ada.id),))))
    await ada.log_in()


async def test_a_refresh_gives_the_next_pair(ada: Person) -> None:
    first = await ada.log_in()
    second = (await ada.client.post(REFRESH, json=first)).json()
    third = (await ada.client.post(REFRESH, json=second)).json()
    assert len({tokens["refresh_token"] for tokens in (first, second, third)}) == 3
    assert (await ada.client.get("/auth/me", headers=bearer(third["access_token"]))).json()["id"] == ada.id


async def test_a_refresh_token_used_twice_ends_its_session_alone(ada: Person) -> None:
    other = await ada.log_in()
    first = await ada.log_in()
    second = (await ada.client.post(REFRESH, json=first)).json()
    refused(await ada.client.post(REFRESH, json=first), 401, "invalid_refresh_token")
    refused(await ada.client.post(REFRESH, json=second), 401, "invalid_refresh_token")
    assert (await ada.client.post(REFRESH, json=other)).status_code == 200


async def test_a_refresh_token_used_twice_at_once_leaves_no_session(ada: Person) -> None:
    tokens = await ada.log_in()
    answers = await asyncio.gather(*(ada.client.post(REFRESH, json=tokens) for _ in range(5)))
    winner, *losers = sorted(answers, key=lambda answer: answer.status_code)
    assert [answer.status_code for answer in (winner, *losers)] == [200, 401, 401, 401, 401]
    refused(await ada.client.post(REFRESH, json=winner.json()), 401, "invalid_refresh_token")


async def test_a_refresh_token_runs_out(service: Service[AuthSettings], ada: Person) -> None:
    tokens = await ada.log_in()
    passed = "UPDATE sessions SET expires_at = expires_at - $2::interval WHERE account_id = $1"
    await service.db.execute(Bound(passed, (UUID(ada.id), timedelta(hours=23, minutes=59))))
    tokens = (await ada.client.post(REFRESH, json=tokens)).json()
    await service.db.execute(Bound(passed, (UUID(ada.id), timedelta(hours=24))))
    refused(await ada.client.post(REFRESH, json=tokens), 401, "invalid_refresh_token")


@pytest.mark.parametrize("token", ["", "x", "..", "ü", "AAAAAAAAAAAAAAAAAAAAAA.x", "x" * 256])
async def test_what_is_no_refresh_token(client: AsyncClient, token: str) -> None:
    refused(await client.post(REFRESH, json={"refresh_token": token}), 401, "invalid_refresh_token")


async def test_refresh_tokens_are_stored_as_hashes(service: Service[AuthSettings], ada: Person) -> None:
    secret = (await ada.log_in())["refresh_token"].partition(".")[2]
    rows = await service.db.fetch(Bound("SELECT sessions::text AS row FROM sessions", ()))
    assert rows
    assert secret not in "".join(row["row"] for row in rows)


async def test_logging_out_ends_this_session_alone(ada: Person) -> None:
    here, there = await ada.log_in(), await ada.log_in()
    answer = await ada.client.post("/auth/logout", headers=bearer(here["access_token"]))
    assert answer.status_code == 204
    refused(await ada.client.post(REFRESH, json=here), 401, "invalid_refresh_token")
    assert (await ada.client.post(REFRESH, json=there)).status_code == 200


def forged(service: Service[AuthSettings], account: str, **changed: Any) -> str:
    """A token like ours but for `changed`, signed as ours are."""
    return sign_access_token(service.settings.model_copy(update=changed), UUID(account), "admin")


async def test_tokens_that_are_not_ours(service: Service[AuthSettings], ada: Person) -> None:
    token = (await ada.log_in())["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    tampered = token[:-6] + ("A" if token[-6] != "A" else "B") + token[-5:]
    (public,) = (await ada.client.get("http://test/.well-known/jwks.json")).json()["keys"]
    bad = {
        "tampered with": tampered,
        "alg none": jwt.encode(claims, "", "none"),
        "the public key as a secret": jwt.encode(claims, public["x"], "HS256"),
        "another audience": forged(service, ada.id, jwt_audience="elsewhere"),
        "another issuer": forged(service, ada.id, jwt_issuer="elsewhere"),
        "no token": "x",
    }
    for what, wrong in bad.items():
        problem = refused(await ada.client.get("/auth/me", headers=bearer(wrong)), 401, "invalid_token")
        assert problem["status"] == 401, what
    expired = forged(service, ada.id, access_token_expire_minutes=-1)
    refused(await ada.client.get("/auth/me", headers=bearer(expired)), 401, "token_expired")
    refused(await ada.client.get("/auth/me"), 401, "unauthorized")


async def test_the_public_keys_verify_a_token(ada: Person) -> None:
    token = (await ada.log_in())["access_token"]
    (key,) = (await ada.client.get("http://test/.well-known/jwks.json")).json()["keys"]
    assert (key["kty"], key["crv"], key["use"], "d" in key) == ("OKP", "Ed25519", "sig", False)
    claims = jwt.decode(token, jwt.PyJWK(key), ["EdDSA"], audience="vitrine", issuer="vitrine")
    assert (claims["sub"], claims["role"], claims["exp"] - claims["iat"]) == (ada.id, "user", 1800)


async def test_a_shared_secret_signs_where_it_is_set_and_is_not_published(open_client: OpenClient) -> None:
    secret = uuid4().hex
    async with open_client(JWT_ALGORITHM="HS256", JWT_SECRET_KEY=secret) as client:
        body = {"username": "admin", "password": "admin123"}
        token = (await client.post(LOGIN, json=body)).json()["access_token"]
        assert jwt.decode(token, secret, ["HS256"], audience="vitrine")["role"] == "admin"
        assert (await client.get("/auth/me", headers=bearer(token))).status_code == 200
        assert (await client.get("http://test/.well-known/jwks.json")).json() == {"keys": []}


async def test_how_many_statements_a_login_and_a_refresh_take(
    service: Service[AuthSettings], ada: Person
) -> None:
    async with statements(service.db.pool) as logging_in:
        tokens = await ada.log_in()
    assert len(logging_in) == 4  # the account; BEGIN, the session, COMMIT
    async with statements(service.db.pool) as refreshing:
        await ada.client.post(REFRESH, json=tokens)
    assert len(refreshing) == 3  # BEGIN, the session with its account, COMMIT
    async with statements(service.db.pool) as asking:
        await ada.client.get("/auth/me", headers=bearer(tokens["access_token"]))
    assert len(asking) == 1

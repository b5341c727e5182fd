"""Registering, over HTTP."""

import asyncio
import re
from typing import Any
from uuid import uuid4

import pytest
from httpx import AsyncClient

from libs.common.service import Service
from libs.common.sql import Bound
from services.auth.settings import AuthSettings
from tests.services.auth.conftest import (
    PASSWORD,
    OpenClient,
    Person,
    bearer,
    log_in_admin,
    refused,
    registration,
)


async def test_a_new_account(client: AsyncClient) -> None:
    name = uuid4().hex
    answer = await client.post(
        "/auth/register", json=registration(name, email=f" {name.upper()}@Example.COM ")
    )
    assert answer.status_code == 201
    account = answer.json()
    assert account["email"] == f"{name}@example.com"
    assert (account["username"], account["full_name"]) == (name, "Ada Lovelace")
    assert (account["role"], account["is_active"], account["must_change_password"]) == ("user", True, False)
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{8}", account["userid"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", account["created_at"])
    assert PASSWORD not in answer.text


async def test_email_and_password_are_enough(client: AsyncClient) -> None:
    body = {"email": f"{uuid4().hex}@example.com", "password": "12345678"}
    answer = await client.post("/auth/register", json=body)
    assert answer.status_code == 201
    assert (answer.json()["username"], answer.json()["full_name"]) == (None, None)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"username": "somebody-else"}, "email_taken"),
        ({"email": "somebody-else@example.com"}, "username_taken"),
    ],
)
async def test_names_are_taken_once_however_they_are_written(
    client: AsyncClient, ada: Person, changed: dict[str, str], code: str
) -> None:
    body = registration(ada.username.upper(), **changed)
    refused(await client.post("/auth/register", json=body), 409, code)


async def test_a_username_cannot_be_anothers_userid(client: AsyncClient, ada: Person) -> None:
    body = registration(uuid4().hex, username=ada.userid.lower())
    refused(await client.post("/auth/register", json=body), 409, "username_taken")


async def test_of_ten_at_once_one_gets_the_name(client: AsyncClient) -> None:
    body = registration(uuid4().hex)
    answers = await asyncio.gather(*(client.post("/auth/register", json=body) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 9]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"email": "no-address"}, "email"),
        ({"email": None}, "email"),
        ({"password": "1234567"}, "password"),
        ({"password": "x" * 257}, "password"),
        ({"password": "Same.Name"}, "password"),
        ({"username": "a b"}, "username"),
        ({"username": "ada@example.com"}, "username"),
        ({"full_name": "x" * 201}, "full_name"),
    ],
)
async def test_bad_input_is_named(client: AsyncClient, changed: dict[str, Any], field: str) -> None:
    body = registration("same.name", **changed)
    answer = await client.post("/auth/register", json=body)
    problem = answer.json()
    assert answer.status_code == 422
    assert [error["loc"] for error in problem["errors"]] == [["body", field]]
    assert field in problem["detail"]
    assert str(changed.get("password")) not in answer.text


async def test_a_refused_registration_leaves_the_name_free(client: AsyncClient, ada: Person) -> None:
    name = uuid4().hex
    refused(
        await client.post("/auth/register", json=registration(name, username=ada.username)),
        409,
        "username_taken",
    )
    assert (await client.post("/auth/register", json=registration(name))).status_code == 201


async def test_personal_data_and_hashes_are_not_in_the_log(
    client: AsyncClient, service: Service[AuthSettings], ada: Person
) -> None:
    rows = await service.db.fetch(Bound("SELECT data::text AS data FROM events", ()))
    log = "".join(row["data"] for row in rows)
    assert ada.userid in log
    for secret in (ada.email, ada.username, "Lovelace", "bcrypt", "$2b$"):
        assert secret not in log


async def test_in_admin_mode_only_admins_register_accounts(open_client: OpenClient) -> None:
    async with open_client(REGISTRATION_MODE="admin") as client:
        admin, body = await log_in_admin(client), registration(uuid4().hex)
        refused(await client.post("/auth/register", json=body), 403, "admin_only")
        assert (await client.post("/auth/register", json=body, headers=admin)).status_code == 201
        user = bearer((await client.post("/auth/login", json=body)).json()["access_token"])
        refused(await client.post("/auth/register", json=body, headers=user), 403, "admin_only")


async def test_in_invite_mode_an_invitation_is_good_for_one_account(open_client: OpenClient) -> None:
    async with open_client(REGISTRATION_MODE="invite") as client:
        admin = await log_in_admin(client)
        for name in (uuid4().hex, "admin"):
            answer = await client.post("/auth/register", json=registration(name))
            refused(answer, 403, "invitation_required")
        code = (await client.post("/admin/users/invitations", json={}, headers=admin)).json()["invite_code"]
        invited = [registration(uuid4().hex, invite_code=code) for _ in range(2)]
        assert (await client.post("/auth/register", json=invited[0])).status_code == 201
        refused(await client.post("/auth/register", json=invited[1]), 403, "invitation_invalid")


async def test_a_personal_invitation_is_good_for_its_address_alone(open_client: OpenClient) -> None:
    async with open_client(REGISTRATION_MODE="invite") as client:
        admin, name = await log_in_admin(client), uuid4().hex
        answer = await client.post(
            "/admin/users/invitations", json={"email": f"{name}@Example.com"}, headers=admin
        )
        code = answer.json()["invite_code"]
        stranger = registration(uuid4().hex, invite_code=code)
        refused(await client.post("/auth/register", json=stranger), 403, "invitation_invalid")
        friend = registration(name, invite_code=code)
        assert (await client.post("/auth/register", json=friend)).status_code == 201


async def test_only_admins_invite(client: AsyncClient, ada: Person) -> None:
    token = (await ada.log_in())["access_token"]
    answer = await client.post("/admin/users/invitations", json={}, headers=bearer(token))
    refused(answer, 403, "admin_only")

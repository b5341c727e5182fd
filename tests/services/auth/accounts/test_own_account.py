"""What an account's owner sees and changes, over HTTP."""

import pytest
from httpx import AsyncClient

from tests.services.auth.conftest import PASSWORD, Person, bearer, refused

CHANGE = "/users/profile/change-password"


async def test_me(ada: Person) -> None:
    answer = await ada.client.get("/auth/me", headers=bearer((await ada.log_in())["access_token"]))
    account = answer.json()
    assert (account["id"], account["email"], account["username"]) == (ada.id, ada.email, ada.username)
    assert answer.headers["etag"].startswith('"1-')


async def test_a_new_password_ends_the_other_sessions(ada: Person) -> None:
    here, there = await ada.log_in(), await ada.log_in()
    body = {"current_password": PASSWORD, "new_password": "another password"}
    answer = await ada.client.post(CHANGE, json=body, headers=bearer(here["access_token"]))
    assert answer.status_code == 204

    refused(
        await ada.client.post("/auth/login", json={"email": ada.email, "password": PASSWORD}),
        401,
        "invalid_credentials",
    )
    await ada.log_in(password="another password")
    refused(await ada.client.post("/auth/refresh", json=there), 401, "invalid_refresh_token")
    assert (await ada.client.post("/auth/refresh", json=here)).status_code == 200


@pytest.mark.parametrize(
    ("current", "new", "field", "code"),
    [
        (PASSWORD, PASSWORD, "new_password", "password_unchanged"),
        (PASSWORD, "short", "new_password", "validation_error"),
    ],
)
async def test_a_password_that_cannot_be_set(
    ada: Person, current: str, new: str, field: str, code: str
) -> None:
    headers = bearer((await ada.log_in())["access_token"])
    body = {"current_password": current, "new_password": new}
    problem = refused(await ada.client.post(CHANGE, json=body, headers=headers), 422, code)
    assert problem["errors"][0]["loc"] == ["body", field]


async def test_only_who_knows_the_password_changes_it(ada: Person) -> None:
    headers = bearer((await ada.log_in())["access_token"])
    body = {"current_password": "a wrong password", "new_password": "another password"}
    refused(await ada.client.post(CHANGE, json=body, headers=headers), 401, "wrong_password")
    await ada.log_in(password=PASSWORD)


async def test_a_new_password_may_be_confirmed(ada: Person) -> None:
    headers = bearer((await ada.log_in())["access_token"])
    body = {"current_password": PASSWORD, "new_password": "another password"}
    mistyped = body | {"confirm_password": "an other password"}
    refused(await ada.client.post(CHANGE, json=mistyped, headers=headers), 422, "validation_error")
    confirmed = body | {"confirm_password": "another password"}
    assert (await ada.client.post(CHANGE, json=confirmed, headers=headers)).status_code == 204


async def test_strangers_see_and_change_nothing(client: AsyncClient) -> None:
    refused(await client.get("/auth/me"), 401, "unauthorized")
    refused(await client.post(CHANGE, json={}), 401, "unauthorized")
    refused(await client.post("/auth/logout"), 401, "unauthorized")
    refused(await client.post("/auth/tickets"), 401, "unauthorized")

"""What admins see and change, over HTTP."""

from uuid import UUID

import pytest
from httpx import AsyncClient, Response

from libs.common.accounts import deactivated
from libs.common.service import Service
from libs.common.sql import Bound
from services.auth.settings import AuthSettings
from tests.libs.common.waiting import eventually
from tests.services.auth.conftest import OpenClient, Person, bearer, log_in_admin, refused, register

Headers = dict[str, str]


async def test_the_seeded_admin_is_one_and_must_change_the_password(open_client: OpenClient) -> None:
    for _ in range(2):
        async with open_client() as client:
            admin = await log_in_admin(client)
            found = (await client.get("/admin/users?search=admin@vitrine", headers=admin)).json()
    assert found["total"] == 1
    assert found["items"][0]["must_change_password"] is True
    assert found["items"][0]["role"] == "admin"


async def test_an_account_by_any_of_its_names(client: AsyncClient, admin: Headers, ada: Person) -> None:
    for name in (ada.id, ada.userid.lower(), ada.email.upper(), ada.username):
        answer = await client.get(f"/admin/users/{name}", headers=admin)
        assert answer.json()["id"] == ada.id


@pytest.mark.parametrize("name", [str(UUID(int=7)), "nobody", "nobody@example.com"])
async def test_no_such_account(client: AsyncClient, admin: Headers, name: str) -> None:
    refused(await client.get(f"/admin/users/{name}", headers=admin), 404, "account_not_found")
    answer = await client.patch(f"/admin/users/{name}", json={"is_active": False}, headers=admin)
    refused(answer, 404, "account_not_found")


async def test_the_list_is_searched_and_paged_from_the_newest(client: AsyncClient, admin: Headers) -> None:
    people = [await register(client) for _ in range(3)]
    newest = (await client.get("/admin/users?page_size=2", headers=admin)).json()
    assert [account["id"] for account in newest["items"]] == [people[2].id, people[1].id]
    assert newest["total"] >= 4

    first = (await client.get("/admin/users?cursor=&limit=1", headers=admin)).json()
    after = f"/admin/users?limit=1&cursor={first['next_cursor']}"
    second = (await client.get(after, headers=admin)).json()
    assert [first["items"][0]["id"], second["items"][0]["id"]] == [people[2].id, people[1].id]

    found = (await client.get(f"/admin/users?search={people[0].username[4:]}", headers=admin)).json()
    assert [account["id"] for account in found["items"]] == [people[0].id]
    assert (await client.get("/admin/users?search=%25%25", headers=admin)).json()["total"] == 0


@pytest.mark.parametrize("query", ["cursor=x", "cursor=WzFd", "page=0", "limit=101", "sort=email"])
async def test_no_page(client: AsyncClient, admin: Headers, query: str) -> None:
    assert (await client.get(f"/admin/users?{query}", headers=admin)).status_code == 422


async def test_users_administer_nothing(ada: Person) -> None:
    headers = bearer((await ada.log_in())["access_token"])
    refused(await ada.client.get("/admin/users", headers=headers), 403, "admin_only")
    refused(await ada.client.get(f"/admin/users/{ada.id}", headers=headers), 403, "admin_only")
    answer = await ada.client.patch(f"/admin/users/{ada.id}", json={"role": "admin"}, headers=headers)
    refused(answer, 403, "admin_only")


async def test_a_deactivated_account_is_kept_out(ada: Person, admin: Headers) -> None:
    tokens = await ada.log_in()
    own = bearer(tokens["access_token"])
    ticket = (await ada.client.post("/auth/tickets", headers=own)).json()["ticket"]
    body = {"is_active": False, "reason": "spam"}
    answer = await ada.client.patch(f"/admin/users/{ada.userid}", json=body, headers=admin)
    assert answer.json()["is_active"] is False

    login = {"email": ada.email, "password": "correct horse battery"}
    refused(await ada.client.post("/auth/login", json=login), 401, "account_deactivated")
    refused(await ada.client.post("/auth/refresh", json=tokens), 401, "invalid_refresh_token")
    await until_refused(ada.client, own)
    assert ticket


async def until_refused(client: AsyncClient, headers: Headers) -> None:
    async def is_refused() -> Response | None:
        answer = await client.get("/auth/me", headers=headers)
        return answer if answer.status_code != 200 else None

    refused(await eventually(is_refused), 401, "account_deactivated")


async def test_a_reactivated_account_comes_back(
    service: Service[AuthSettings], ada: Person, admin: Headers
) -> None:
    own = bearer((await ada.log_in())["access_token"])
    await ada.client.patch(f"/admin/users/{ada.id}", json={"is_active": False}, headers=admin)
    await until_refused(ada.client, own)
    assert UUID(ada.id) in await deactivated(service.db)
    await ada.client.patch(f"/admin/users/{ada.id}", json={"is_active": True}, headers=admin)
    assert UUID(ada.id) not in await deactivated(service.db)
    await ada.log_in()


async def test_a_deactivated_account_is_refused_after_a_restart(open_client: OpenClient) -> None:
    async with open_client() as client:
        ada, admin = await register(client), await log_in_admin(client)
        own = bearer((await ada.log_in())["access_token"])
        await client.patch(f"/admin/users/{ada.id}", json={"is_active": False}, headers=admin)
    async with open_client() as client:
        await until_refused(client, own)


async def test_a_new_role_holds_from_the_next_login_on(ada: Person, admin: Headers) -> None:
    tokens = await ada.log_in()
    answer = await ada.client.patch(f"/admin/users/{ada.id}", json={"role": "admin"}, headers=admin)
    assert answer.json()["role"] == "admin"
    refused(await ada.client.post("/auth/refresh", json=tokens), 401, "invalid_refresh_token")
    promoted = bearer((await ada.log_in("/admin/login"))["access_token"])
    assert (await ada.client.get("/admin/users", headers=promoted)).status_code == 200


async def test_an_admin_cannot_lock_out_the_last_one(client: AsyncClient, admin: Headers) -> None:
    for change in ({"is_active": False}, {"role": "user"}):
        answer = await client.patch("/admin/users/admin", json=change, headers=admin)
        refused(answer, 409, "own_account")


async def test_a_change_of_an_older_version_is_refused(ada: Person, admin: Headers) -> None:
    path = f"/admin/users/{ada.id}"
    seen = (await ada.client.get(path, headers=admin)).headers["etag"]
    change = {"role": "admin", "is_active": False}
    answer = await ada.client.patch(path, json=change, headers=admin | {"if-match": seen})
    assert answer.status_code == 200
    answer = await ada.client.patch(path, json={"is_active": True}, headers=admin | {"if-match": seen})
    refused(answer, 412, "precondition_failed")


async def test_who_did_it_is_in_the_log(service: Service[AuthSettings], ada: Person, admin: Headers) -> None:
    body = {"is_active": False, "reason": "spam"}
    await ada.client.patch(f"/admin/users/{ada.id}", json=body, headers=admin)
    query = "SELECT data, meta FROM events WHERE stream_id = $1 AND version = 2"
    row = await service.db.fetchrow(Bound(query, (UUID(ada.id),)))
    me = (await ada.client.get("/auth/me", headers=admin)).json()
    assert row is not None
    assert row["data"] == {"owner_id": ada.id, "reason": "spam"}
    assert row["meta"]["actor"] == f"user:{me['id']}"


@pytest.mark.parametrize("body", [{"is_active": "perhaps"}, {"role": "owner"}, {"email": "x@example.com"}])
async def test_no_change(client: AsyncClient, admin: Headers, ada: Person, body: dict[str, str]) -> None:
    answer = await client.patch(f"/admin/users/{ada.id}", json=body, headers=admin)
    refused(answer, 422, "validation_error")

"""What is left of somebody who is to be forgotten."""

from uuid import UUID

import orjson
from httpx import AsyncClient

from libs.common.accounts import deactivated
from libs.common.rebuild import verify
from libs.common.service import Service
from libs.common.sql import Bound
from services.auth.accounts.erasure import erase
from services.auth.settings import AuthSettings
from tests.services.auth.conftest import PASSWORD, Person, Variables, refused, register

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'auth'"


async def test_an_erased_person_is_nowhere(
    client: AsyncClient, service: Service[AuthSettings], ada: Person, variables: Variables
) -> None:
    await ada.log_in()
    async with service.transaction() as tx:
        await erase(tx, UUID(ada.id))
    for table in await service.db.fetch(Bound(TABLES, ())):
        query = f"SELECT to_jsonb(t)::text AS row FROM auth.{table['tablename']} AS t"
        rows = [record["row"] for record in await service.db.fetch(Bound(query, ()))]
        assert not [row for row in rows if ada.email in row or ada.username in row], table["tablename"]
    assert UUID(ada.id) in set(await deactivated(service.db))
    answer = await client.post("/auth/login", json={"email": ada.email, "password": PASSWORD})
    refused(answer, 401, "invalid_credentials")
    [registered] = await service.db.fetch(
        Bound("SELECT data FROM events WHERE stream_id = $1 AND version = 1", (UUID(ada.id),))
    )
    assert "$sealed" in orjson.dumps(registered["data"]["email"]).decode()
    await (await register(client)).log_in()
    [report] = [
        report
        for report in await verify(service, variables["DATABASE_OWNER_URL"])
        if report.model == "accounts"
    ]
    assert report.equal

"""Who somebody is stays in auth's own tables: no log line, no message and no event says it in plain text."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import orjson

from deploy import SERVICES
from deploy.local.stack import Stack
from libs.common.bus import Bus
from libs.common.database import Database
from tests.system.client import Client
from tests.system.proof import PATIENCE

MARK = uuid4().hex[:12]
ADA = {
    "email": f"ada.{MARK}@example.org",
    "username": f"ada-{MARK}",
    "full_name": f"Ada {MARK}",
    "password": f"{MARK} horse battery staple",
}
ADMIN = {"username": "admin", "password": "admin123"}


async def test_personal_data_is_said_nowhere(system: Stack) -> None:
    async with _overheard(system) as messages, Client(system.url) as ada, Client(system.url) as admin:
        account_id = await _live(ada, admin)
        events = await _events(system)
        await _published(messages, account_id)
    assert any(account_id in event for event in events)
    assert [event for event in events if MARK in event] == []
    assert [message for message in messages if MARK.encode() in message] == []
    lines = [
        line for log in system.run.logs.iterdir() for line in log.read_text(errors="replace").splitlines()
    ]
    assert any(account_id in line for line in lines)
    assert [line for line in lines if MARK in line] == []


async def _live(ada: Client, admin: Client) -> str:
    """What happens to an account, refusals included; its id."""
    account_id: str = (await ada.post("/auth/register", json=ADA))["id"]
    assert (await ada.request("POST", "/auth/register", json=ADA)).status_code == 409
    wrong = {"email": ADA["email"], "password": f"{MARK} is wrong"}
    assert (await ada.request("POST", "/auth/login", json=wrong)).status_code == 401
    assert (await ada.request("POST", "/auth/login", json={**wrong, "email": [MARK]})).status_code == 422
    await ada.log_in(username=ADA["username"], password=ADA["password"])
    await ada.post("/auth/tickets")
    await ada.main_job(seed=11)
    await admin.log_in(**ADMIN)
    for name in (ADA["email"], ADA["username"]):
        await admin.get(f"/admin/users/{name}")
        change = {"is_active": name == ADA["username"]}
        assert (await admin.request("PATCH", f"/admin/users/{name}", json=change)).status_code == 200
    await admin.get("/admin/users", search=MARK)
    assert (await admin.request("GET", f"/admin/users/nobody-{MARK}")).status_code == 404
    assert (await ada.request("GET", f"/admin/users/{ADA['email']}")).status_code == 403
    return account_id


@asynccontextmanager
async def _overheard(system: Stack) -> AsyncIterator[list[bytes]]:
    """Every message on NATS, questions between the services and their answers included."""
    bus = await Bus.connect(system.nats.url("operator"), "eavesdropper")
    messages: list[bytes] = []

    async def keep(message: Any) -> None:
        messages.append(message.subject.encode() + b" " + message.data)

    try:
        await bus.nc.subscribe(">", cb=keep)
        await bus.flush()
        yield messages
    finally:
        await bus.close()


async def _published(messages: list[bytes], account_id: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while not any(
            b"account_registered" in message and account_id.encode() in message for message in messages
        ):
            await asyncio.sleep(0.1)


async def _events(system: Stack) -> list[str]:
    """The rows of every service's log."""
    rows: list[str] = []
    for name in SERVICES:
        db = await Database.connect(system.service_env(name)["DATABASE_URL"], name)
        try:
            found = await db.pool.fetch("SELECT to_jsonb(events) AS row FROM events")
            rows += [orjson.dumps(record["row"]).decode() for record in found]
        finally:
            await db.close()
    return rows

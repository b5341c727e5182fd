"""A server is away for a while, under load: requests succeed or say so, and work resumes by itself."""

import asyncio

import httpx
import pytest

from deploy.local.stack import Stack
from tests.system.client import Client
from tests.system.proof import assert_sound

CHECK_OF = {"postgres": "database", "nats": "nats", "object-store": "object_store"}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("server", CHECK_OF)
@pytest.mark.parametrize("seconds", [2.0, pytest.param(10.0, marks=pytest.mark.faults)])
async def test_what_an_outage_looks_like_from_outside(
    server: str, seconds: float, client: Client, system: Stack
) -> None:
    accepting = [asyncio.create_task(client.main_job(seed)) for seed in range(3)]
    reading = asyncio.create_task(_read_on(client))
    await asyncio.sleep(0.5)
    await asyncio.to_thread(system.stop_server, server)
    try:
        await _assert_ready_tells(system, CHECK_OF[server])
        if server != "postgres":
            assert (await client.request("GET", "/products")).status_code == 200
        await asyncio.sleep(seconds)
    finally:
        await asyncio.to_thread(system.start_server, server)
    await asyncio.to_thread(system.wait_ready)
    try:
        for job in await asyncio.gather(*accepting):
            await job.assert_exactly_one_result(client)
    finally:
        reading.cancel()
        await asyncio.wait([reading])
    await assert_sound(system)
    assert set(client.answers) <= {200, 201, 202, 503}


async def _read_on(client: Client) -> None:
    """A reader among the writers; every problem it meets is a proper one."""
    while True:
        answer = await client.request("GET", "/products")
        if answer.status_code != 200:
            assert answer.status_code == 503
            assert answer.headers["content-type"].startswith("application/problem+json")
            assert answer.json()["code"]
        await asyncio.sleep(0.05)


async def _assert_ready_tells(system: Stack, check: str) -> None:
    """A request cannot do without the database alone."""
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{system.ports['catalog-api']}") as api,
        asyncio.timeout(60),
    ):
        while True:
            answer = await api.get("/ready", timeout=10)
            if [name for name, state in answer.json()["checks"].items() if state != "ok"] == [check]:
                break
            await asyncio.sleep(0.1)
    assert answer.status_code == (503 if check == "database" else 200)
    assert answer.json()["status"] == ("unavailable" if check == "database" else "degraded")

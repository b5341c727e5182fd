"""What a worker answers an orchestrator, which has no web framework to answer with."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import AsyncClient

from deploy.local.run_directory import free_port
from libs.common.probes import serving_probes
from libs.common.service import Service
from tests.libs.common.http.counter_api import COUNTERS


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
async def probe(variables: dict[str, Any], port: int) -> AsyncIterator[AsyncClient]:
    async with (
        Service.open(COUNTERS, **variables) as service,
        serving_probes(service, "127.0.0.1", port),
        AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        yield client


async def test_a_worker_says_how_it_is(probe: AsyncClient) -> None:
    health, ready, metrics = [await probe.get(path) for path in ("/health", "/ready", "/metrics")]
    assert (health.status_code, health.json()["service"]) == (200, "scratch")
    assert ready.json() == {
        "status": "ready",
        "checks": {"database": "ok", "nats": "ok", "object_store": "ok"},
    }
    assert "python_info" in metrics.text
    assert (await probe.get("/other")).status_code == 404


@pytest.mark.parametrize(
    "head", [b"\r\n\r\n", b"GET\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n", b"", b"x" * 100_000]
)
async def test_nonsense_does_no_harm(probe: AsyncClient, port: int, head: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head)
    writer.write_eof()
    assert not (await reader.read()).startswith(b"HTTP/1.1 200")
    writer.close()
    assert (await probe.get("/health")).status_code == 200

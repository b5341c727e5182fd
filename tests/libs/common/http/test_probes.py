"""What processes answer an orchestrator: workers, which have no web framework to answer with, and APIs."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient

from deploy import SERVICES
from deploy.local.run_directory import free_port
from libs.common import probes
from libs.common.migrate import newest_revision
from libs.common.probes import serving_probes
from libs.common.service import Service
from tests.libs.common.http.conftest import OpenClient
from tests.libs.common.http.counter_api import COUNTERS


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
async def probe(
    variables: dict[str, Any], port: int, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[AsyncClient]:
    """That of a worker whose servers may take their time."""
    monkeypatch.setattr(probes, "_PATIENCE", 60)
    async with (
        Service.open(COUNTERS, **variables) as service,
        serving_probes(service, "127.0.0.1", port),
        AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
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


@pytest.mark.parametrize(
    ("check", "away"),
    [("nats", {"nats_url": "nats://127.0.0.1:9"}), ("object_store", {"s3_endpoint": "http://127.0.0.1:9"})],
)
async def test_an_api_that_can_still_answer_is_degraded_and_a_worker_is_not_ready(
    check: str, away: dict[str, str], variables: dict[str, Any], port: int, open_client: OpenClient
) -> None:
    async with open_client(**away) as client:
        api = await client.get("http://test/ready")
    async with (
        Service.open(COUNTERS, **(variables | away)) as service,
        serving_probes(service, "127.0.0.1", port),
        AsyncClient() as client,
    ):
        worker = await client.get(f"http://127.0.0.1:{port}/ready")
    assert (api.status_code, api.json()["status"]) == (200, "degraded")
    assert (worker.status_code, worker.json()["status"]) == (503, "unavailable")
    for answer in (api, worker):
        assert {name for name, state in answer.json()["checks"].items() if state != "ok"} == {check}


@pytest.mark.parametrize(("newest", "status"), [("0001", 200), ("0002", 503)])
async def test_software_waits_for_its_schema(
    newest: str, status: int, client: AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration = tmp_path / "scratch" / "migrations" / "versions" / f"{newest}_notes.py"
    migration.parent.mkdir(parents=True)
    migration.touch()
    monkeypatch.setattr(probes, "_SERVICES", tmp_path)
    assert (await client.get("http://test/ready")).status_code == status


def test_a_service_knows_its_newest_migration() -> None:
    for service in SERVICES:
        assert newest_revision(service).startswith(probes._newest_revision(service))

"""What an API process does that is asked to end while connections are open."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from libs.common.http import app as edge
from libs.common.http import create_app
from tests.libs.common.http.counter_api import COUNTERS, routes


@pytest.fixture
def api(variables: dict[str, Any]) -> FastAPI:
    return create_app(COUNTERS, [routes], **variables)


@asynccontextmanager
async def served(api: FastAPI) -> AsyncIterator[uvicorn.Server]:
    """By uvicorn, which raises the signal again when it has ended."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    server = uvicorn.Server(uvicorn.Config(api, port=0, log_config=None))
    serving = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(60):
            while not server.started:
                await asyncio.sleep(0.01)
        yield server
        await serving
    finally:
        signal.signal(signal.SIGTERM, before)


async def test_a_connection_ends_with_an_answer(api: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody may be sending a request on it when it closes, and no new one is made."""
    monkeypatch.setattr(edge, "DRAIN_SECONDS", 600)
    async with served(api) as server:
        port = server.servers[0].sockets[0].getsockname()[1]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            assert "connection" not in (await client.get("/health")).headers
            os.kill(os.getpid(), signal.SIGTERM)
            async with asyncio.timeout(60):
                await api.state.service.stopping.wait()
            kept = await client.get("/health")
            assert (kept.status_code, kept.headers["connection"]) == (200, "close")
            with pytest.raises(httpx.ConnectError):
                await client.get("/health")
        assert not server.should_exit
        server.should_exit = True


async def test_uvicorn_ends_the_rest(api: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "DRAIN_SECONDS", 0.01)
    async with served(api):
        os.kill(os.getpid(), signal.SIGTERM)

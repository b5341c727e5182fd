"""The worker as a process: what it does between its start and SIGTERM."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from deploy.local.postgres import Postgres
from deploy.local.run_directory import free_port
from libs.common.service import Service
from libs.common.worker import run_worker
from tests.libs.common.accounts import (
    Env,
    auth,
    environment,
    register,
    reset_database,
    reset_streams,
    running,
)
from tests.libs.common.waiting import eventually


@pytest.fixture
async def service(postgres: Postgres, nats: str, service_env: Env) -> AsyncIterator[Service[Any]]:
    await reset_database(postgres.superuser_url)
    await reset_streams(nats)
    async with running(auth, service_env) as service:
        yield service


async def test_it_publishes_answers_probes_and_ends_in_order(service: Service[Any], service_env: Env) -> None:
    port = free_port()
    variables = {name.upper(): value for name, value in environment(service_env, "auth").items()}
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.libs.common.test_worker"),
        env={**os.environ, **variables, "METRICS_PORT": str(port)},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        await register(service)
        await eventually(lambda: published(port, 1))
    finally:
        worker.send_signal(signal.SIGTERM)
    output, _ = await asyncio.wait_for(worker.communicate(), 60)
    assert worker.returncode == 0
    assert b'"message":"stopped"' in output


async def published(port: int, events: int) -> bool:
    async with httpx.AsyncClient() as client:
        try:
            answer = await client.get(f"http://127.0.0.1:{port}/metrics")
        except httpx.TransportError:
            return False
    return f"vitrine_relay_published_total {events}.0" in answer.text


if __name__ == "__main__":
    run_worker(auth)

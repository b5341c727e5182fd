from collections.abc import AsyncIterator
from typing import Any

import nats as nats_py
import pytest
from nats.aio.client import Client

from deploy.local.postgres import Postgres
from libs.common.service import Service
from tests.libs.common.accounts import Env, auth, catalog, reset_database, reset_streams, running


@pytest.fixture
async def publisher(postgres: Postgres, nats: str, service_env: Env) -> AsyncIterator[Service[Any]]:
    """auth, connected, in a fresh database; nothing publishes its events yet."""
    await reset_database(postgres.superuser_url)
    await reset_streams(nats)
    async with running(auth, service_env) as service:
        yield service


@pytest.fixture
async def consumer(publisher: Service[Any], service_env: Env) -> AsyncIterator[Service[Any]]:
    """catalog, connected."""
    async with running(catalog, service_env) as service:
        yield service


@pytest.fixture
async def operator(nats: str) -> AsyncIterator[Client]:
    nc = await nats_py.connect(nats)
    yield nc
    await nc.close()

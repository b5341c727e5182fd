"""Generation's API and its job engine in this process, on real servers; every test has users of its own."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import UUID

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from uuid_utils.compat import uuid4

from deploy.local.stack import Stack
from libs.common.bus import Bus
from libs.common.jobs.engine import Engine
from libs.common.service import Service
from libs.common.tokens import sign_access_token
from libs.providers.chain import Providers
from libs.providers.settings import ProviderSettings
from services.generation.api import app as generation_app
from services.generation.requests.job import generation_job
from services.generation.settings import GenerationSettings
from tests.libs.common.waiting import background
from tests.services.generation.neighbours import Neighbours
from tests.services.generation.studio import Studio

_KEY = Ed25519PrivateKey.generate()
PRIVATE_KEY = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

LogIn = Callable[[UUID], AsyncClient]
Working = Callable[[Providers], AbstractAsyncContextManager[object]]


@pytest.fixture
def settings(
    stack: Stack, service_env: Callable[[str], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> GenerationSettings:
    """What generation's processes read; tokens are signed here instead of by auth."""
    for name, value in (service_env("generation") | {"JWT_PRIVATE_KEY": PRIVATE_KEY}).items():
        monkeypatch.setenv(name, value)
    return GenerationSettings()


@pytest.fixture
async def empty_queue(stack: Stack) -> None:
    """The limit holds for all users together, so a test that fills the queue must find it empty."""
    con = await asyncpg.connect(stack.postgres.superuser_url)
    await con.execute("TRUNCATE generation.job_queue, generation.job_calls")
    await con.close()


@pytest.fixture
async def app(settings: GenerationSettings, empty_queue: None) -> AsyncIterator[FastAPI]:
    async with generation_app.router.lifespan_context(generation_app):
        yield generation_app


@pytest.fixture
def service(app: FastAPI) -> Service[GenerationSettings]:
    """The one that the API uses."""
    connected: Service[GenerationSettings] = app.state.service
    return connected


@pytest.fixture
async def neighbours(
    service: Service[GenerationSettings], service_env: Callable[[str], dict[str, str]]
) -> AsyncIterator[Neighbours]:
    catalog = await Bus.connect(service_env("catalog")["NATS_URL"], "catalog")
    analysis = await Bus.connect(service_env("analysis")["NATS_URL"], "analysis")
    asked = Neighbours(service.objects)
    await asked.answer(catalog, analysis)
    await catalog.flush()
    await analysis.flush()
    yield asked
    await catalog.close()
    await analysis.close()


@pytest.fixture
def working(service: Service[GenerationSettings]) -> Working:
    """`async with working(providers):` a worker's job engine runs meanwhile."""

    @asynccontextmanager
    async def run(providers: Providers) -> AsyncIterator[None]:
        engine = Engine(service, [generation_job(providers)], slots=2, timeout=60)
        async with background(engine.run()):
            yield

    return run


@pytest.fixture
async def local() -> AsyncIterator[Providers]:
    """The provider that is there without any key."""
    providers = Providers.from_settings(ProviderSettings())
    yield providers
    await providers.aclose()


@pytest.fixture
def studio() -> Studio:
    return Studio()


@pytest.fixture
async def log_in(app: FastAPI, settings: GenerationSettings) -> AsyncIterator[LogIn]:
    """`log_in(account_id)`: that account's client; paths begin below `/api/v1`."""
    clients: list[AsyncClient] = []

    def client_of(account_id: UUID) -> AsyncClient:
        token = sign_access_token(settings, account_id, "user")
        headers = {"authorization": f"Bearer {token}"}
        client = AsyncClient(transport=ASGITransport(app), base_url="http://test/api/v1", headers=headers)
        clients.append(client)
        return client

    yield client_of
    for client in clients:
        await client.aclose()


@pytest.fixture
def owner_id() -> UUID:
    return uuid4()


@pytest.fixture
def client(log_in: LogIn, owner_id: UUID) -> AsyncClient:
    return log_in(owner_id)


@pytest.fixture
def stranger(log_in: LogIn) -> AsyncClient:
    return log_in(uuid4())

"""Analysis behind a real HTTP server in this process, on real servers; every test has users of its own."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any
from uuid import UUID

import pytest
import uvicorn
from httpx import AsyncClient
from uuid_utils.compat import uuid4, uuid7

from deploy.local.stack import Stack
from libs.common.contracts.analysis import PinnedReference
from libs.common.jobs import queue
from libs.common.jobs.engine import Engine
from libs.common.projector import Feed
from libs.common.relay import Relay
from libs.common.service import Service
from libs.common.settings import Settings
from libs.common.tokens import sign_access_token
from libs.providers.chain import Providers
from libs.providers.settings import ProviderSettings
from services.analysis.analyses.domain import JOB_TYPE, RequestAnalysis, analyses
from services.analysis.analyses.job import analysis_job
from services.analysis.api import app
from services.analysis.jobs import activity
from services.analysis.jobs.follow import announce
from services.analysis.settings import AnalysisSettings
from services.analysis.store import definition
from tests.libs.common.waiting import background, eventually
from tests.services.analysis.neighbours import Catalog, Generation, open_catalog, open_generation

Environment = Callable[[str], dict[str, str]]
LogIn = Callable[[UUID], AsyncClient]
Running = Callable[..., Any]
Accept = Callable[[UUID], Awaitable[UUID]]


@pytest.fixture
def settings(stack: Stack, service_env: Environment, monkeypatch: pytest.MonkeyPatch) -> AnalysisSettings:
    """What analysis' processes read; tokens are signed here instead of by auth."""
    own = {"JWT_PRIVATE_KEY": service_env("auth")["JWT_PRIVATE_KEY"], "ANALYZE_SYNC_SECONDS": "60"}
    for name, value in (service_env("analysis") | own).items():
        monkeypatch.setenv(name, value)
    return AnalysisSettings()


@pytest.fixture
async def service(settings: AnalysisSettings) -> AsyncIterator[Service[AnalysisSettings]]:
    """The worker's; nothing is queued from earlier tests."""
    async with Service.open(definition) as service:
        await service.db.pool.execute("DELETE FROM job_queue")
        yield service


@pytest.fixture
async def catalog(stack: Stack, service_env: Environment) -> AsyncIterator[Catalog]:
    async with open_catalog(_as_settings(service_env("catalog"))) as catalog:
        yield catalog


@pytest.fixture
async def generation(stack: Stack, service_env: Environment) -> AsyncIterator[Generation]:
    async with open_generation(_as_settings(service_env("generation"))) as generation:
        yield generation


@pytest.fixture
async def origin(settings: AnalysisSettings) -> AsyncIterator[str]:
    """`127.0.0.1:<port>` of the API."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server.serve([listening]))

    async def started() -> bool:
        assert not serving.done(), "the API did not start"
        return server.started

    await eventually(started)
    yield f"127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    await serving


@pytest.fixture
def api(origin: str) -> Service[AnalysisSettings]:
    """The service that the API uses."""
    connected: Service[AnalysisSettings] = app.state.service
    return connected


@pytest.fixture
def token(settings: AnalysisSettings) -> Callable[[UUID], str]:
    return lambda account_id: sign_access_token(settings, account_id, "user")


@pytest.fixture
async def log_in(origin: str, token: Callable[[UUID], str]) -> AsyncIterator[LogIn]:
    """`log_in(account_id)`: that account's client; paths begin below `/api/v1`."""
    async with AsyncExitStack() as opened:
        clients: list[AsyncClient] = []

        def client_of(account_id: UUID) -> AsyncClient:
            headers = {"authorization": f"Bearer {token(account_id)}"}
            client = AsyncClient(base_url=f"http://{origin}/api/v1", headers=headers, timeout=100)
            opened.push_async_callback(client.aclose)
            clients.append(client)
            return client

        yield client_of


@pytest.fixture
def owner_id() -> UUID:
    return uuid4()


@pytest.fixture
def client(log_in: LogIn, owner_id: UUID) -> AsyncClient:
    return log_in(owner_id)


@pytest.fixture
def stranger(log_in: LogIn) -> AsyncClient:
    return log_in(uuid4())


@pytest.fixture
def accept(service: Service[AnalysisSettings], owner_id: UUID) -> Accept:
    """`await accept(product_id)`: an analysis of the owner waits; the job's id."""

    async def accept_one(product_id: UUID) -> UUID:
        job_id = uuid7()
        photo = PinnedReference(reference_id=uuid7(), key="photo.png", sha256="7" * 64)
        command = RequestAnalysis(
            owner_id=owner_id, product_id=product_id, product_title="Mug", references=[photo]
        )
        async with service.transaction() as tx:
            await queue.enqueue(tx, JOB_TYPE, job_id, owner_id, limit=50)
            await tx.handle(analyses, job_id, command)
        return job_id

    return accept_one


@pytest.fixture
async def feeds(service: Service[AnalysisSettings]) -> AsyncIterator[None]:
    """The worker's relay and projections."""
    async with AsyncExitStack() as running:
        await running.enter_async_context(background(Relay(service).run()))
        for model in service.log.read_models:
            told = partial(announce, service) if model is activity.read_model else None
            for source in model.sources:
                await running.enter_async_context(background(Feed(service, model, source, told).run()))
        yield


@pytest.fixture
def working(service: Service[AnalysisSettings]) -> Running:
    """`async with working():` the worker's job engine, with the local provider unless others are given."""

    @asynccontextmanager
    async def work(providers: Providers | None = None) -> AsyncIterator[Engine]:
        providers = providers or Providers.from_settings(ProviderSettings())
        engine = Engine(service, [analysis_job(providers)], 2, 60)
        async with background(engine.run()):
            yield engine
        await providers.aclose()

    return work


def _as_settings(environment: dict[str, str]) -> dict[str, Any]:
    """For a second service in this process, whose variables the environment cannot hold too."""
    values = {name.lower(): value for name, value in environment.items()}
    return {name: value for name, value in values.items() if name in Settings.model_fields}

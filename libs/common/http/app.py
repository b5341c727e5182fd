"""A service's web application, from its declaration and the routers of its slices."""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from types import FrameType
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import nats.errors
import uvicorn
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from libs.common.database import Reader
from libs.common.errors import DomainError, NotFound
from libs.common.http.bodies import Json
from libs.common.http.middleware import RequestMiddleware
from libs.common.http.openapi import describe
from libs.common.http.problems import failure_problem
from libs.common.http.rate_limits import RateLimits, client_address
from libs.common.identity import ACCESS_CHANGED, Authenticator
from libs.common.logs import configure_logging
from libs.common.probes import health, readiness
from libs.common.saturation import measuring
from libs.common.service import Definition, Service
from libs.common.settings import Settings
from libs.common.telemetry import exporting

ST = TypeVar("ST", bound=Settings)
Running = Callable[[Service[Any]], AbstractAsyncContextManager[Any]]
RefusedAccounts = Callable[[Reader], Awaitable[Iterable[UUID]]]

DRAIN_SECONDS = 0.5

_EXPECTED = (
    DomainError,
    HTTPException,
    RequestValidationError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    nats.errors.Error,
)

_OURS_INSTEAD: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False}
"""The framework's own telemetry: three spans and as many dictionaries of attributes for every request."""


def create_app(
    definition: Definition[ST],
    routers: Sequence[APIRouter],
    *,
    running: Running | None = None,
    refused_accounts: RefusedAccounts | None = None,
    **overrides: Any,
) -> FastAPI:
    """Reads no environment until it starts.

    `running` is entered with the connected service, e.g. to answer questions on the bus; `refused_accounts`
    reads, every two seconds, the accounts whose tokens are worth nothing any more; `overrides` are settings.
    """
    app = FastAPI(
        title=f"Vitrine {definition.name}",
        lifespan=partial(_serving, definition, running, refused_accounts, overrides),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # it would be to the address the client claims to have called
        telemetry=_OURS_INSTEAD,
    )
    app.add_middleware(RequestMiddleware)
    for kind in _EXPECTED:
        app.add_exception_handler(kind, _failed)
    for router in routers:
        app.routes.extend(router.routes)  # including a router would match every request twice
    _add_platform_routes(app)
    describe(app)
    return app


@asynccontextmanager
async def _serving(
    definition: Definition[Any],
    running: Running | None,
    refused_accounts: RefusedAccounts | None,
    overrides: dict[str, Any],
    app: FastAPI,
) -> AsyncIterator[None]:
    """The process' life, between its connections' beginning and end."""
    async with Service.open(definition, **overrides) as service:
        settings, process = service.settings, f"{definition.name}-api"
        configure_logging(process, settings.log_level, settings.log_dir)
        app.state.service = service
        app.state.authenticator = Authenticator(settings, service.bus)
        app.state.rate_limits = RateLimits(settings)
        app.state.client_address = client_address(settings.trusted_proxies)
        with exporting(process, settings.otel_exporter_otlp_endpoint):
            async with (
                _draining(service.stopping),
                measuring(service.db),
                _keeping_up(app, refused_accounts),
                running(service) if running else nullcontext(),
            ):
                yield


@asynccontextmanager
async def _keeping_up(app: FastAPI, refused_accounts: RefusedAccounts | None) -> AsyncIterator[None]:
    if refused_accounts is None:
        yield
        return
    service: Service[Any] = app.state.service
    authenticator: Authenticator = app.state.authenticator
    await service.bus.on_notice(ACCESS_CHANGED, authenticator.access_changed)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(authenticator.keep_up(lambda: refused_accounts(service.db)))
        yield
        task.cancel()


@asynccontextmanager
async def _draining(stopping: asyncio.Event) -> AsyncIterator[None]:
    """At SIGTERM: takes no new connection, sets `stopping`, and leaves the rest to uvicorn a moment later.

    Uvicorn alone closes connections in the instant in which the gateway may be sending a request on one, and a
    POST that was sent is not sent again. So answers close their connections (`RequestMiddleware`) before it does.
    """
    loop, uvicorns = asyncio.get_running_loop(), signal.getsignal(signal.SIGTERM)
    server = getattr(uvicorns, "__self__", None)
    if threading.current_thread() is not threading.main_thread() or not isinstance(server, uvicorn.Server):
        yield
        return

    def drain(number: int, frame: FrameType | None) -> None:
        stopping.set()
        for listener in getattr(server, "servers", ()):  # none while it starts
            listener.close()
        loop.call_later(DRAIN_SECONDS, server.handle_exit, number, frame)

    signal.signal(signal.SIGTERM, lambda *received: loop.call_soon_threadsafe(drain, *received))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, uvicorns)


async def _failed(request: Request, error: Exception) -> Response:
    return failure_problem(error, request)


def _add_platform_routes(app: FastAPI) -> None:
    async def get_health(_: Request) -> Response:
        return Json(health(app.state.service))

    async def get_ready(_: Request) -> Response:
        # reads need no other server, and what is accepted waits in the log and the queue until the others are back
        status, body = await readiness(app.state.service, "database")
        return Json(body, status)

    async def get_metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    async def get_openapi(_: Request) -> Response:
        if not app.state.service.settings.serves_docs:
            raise NotFound("this installation does not publish its documentation")
        return Json(app.openapi())

    app.add_route("/health", get_health, include_in_schema=False)
    app.add_route("/ready", get_ready, include_in_schema=False)
    app.add_route("/metrics", get_metrics, include_in_schema=False)
    app.add_route("/openapi.json", get_openapi, include_in_schema=False)

"""`/health`, `/ready` and `/metrics`: what an orchestrator and Prometheus ask every process."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from prometheus_client import CONTENT_TYPE_LATEST, Info, generate_latest

from libs.common.errors import Unavailable
from libs.common.resilience import AWAY
from libs.common.service import VERSION, Service
from libs.common.sql import Bound

log = logging.getLogger(__name__)

BUILD = Info("vitrine_build", "What runs here")
BUILD.info({"version": VERSION})
SERVERS = ("database", "nats", "object_store")
_SERVICES = Path(__file__).parents[2] / "services"
_MIGRATED = "SELECT max(version_num) >= $1 FROM alembic_version"
_PATIENCE = 2
_REQUEST = re.compile(rb"GET (/\w*) ")


def health(service: Service[Any]) -> dict[str, str]:
    """Says that the process answers, not that its servers do."""
    return {"status": "healthy", "service": service.name, "version": VERSION}


async def readiness(service: Service[Any], *needed: str) -> tuple[int, dict[str, Any]]:
    """The status and the body of `/ready`: every server of `SERVERS`, `ok` or `unavailable`.

    Without one that is `needed` it is 503; without another one the process is `degraded`, which is 200.
    """
    found = await asyncio.gather(
        _check(_migrated(service)), _check(_connected(service)), _check(service.objects.ping())
    )
    checks = dict(zip(SERVERS, found, strict=True))
    away = {name for name, state in checks.items() if state != "ok"}
    status = "unavailable" if away.intersection(needed) else "degraded" if away else "ready"
    return (503 if status == "unavailable" else 200), {"status": status, "checks": checks}


async def _check(question: Awaitable[Any]) -> str:
    try:
        async with asyncio.timeout(_PATIENCE):
            await question
    except (*AWAY, asyncpg.PostgresError) as error:
        log.warning("unavailable: %r", error)
        return "unavailable"
    return "ok"


async def _migrated(service: Service[Any]) -> None:
    if not await service.db.fetchval(Bound(_MIGRATED, (_newest_revision(service.name),))):
        raise Unavailable("the schema is older than this software")


def _newest_revision(service: str) -> str:
    """The number that its file begins with: Alembic would cost each process 16 MB to tell."""
    versions = (_SERVICES / service / "migrations" / "versions").glob("[0-9]*.py")
    return max((file.name.partition("_")[0] for file in versions), default="")


async def _connected(service: Service[Any]) -> None:
    if not service.bus.connected:
        raise Unavailable("no connection to NATS")
    await service.bus.nc.flush(_PATIENCE)


@asynccontextmanager
async def serving_probes(service: Service[Any], host: str, port: int | None) -> AsyncIterator[None]:
    """For a worker: answers the probes on a port of their own, without the weight of a web framework.

    Nobody calls a worker, so its readiness decides one thing: whether an upgrade goes on. It needs every server.
    """
    if port is None:
        yield
        return

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            async with asyncio.timeout(2 * _PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
                asked = _REQUEST.match(head)
                writer.write(await _http(service, asked[1].decode() if asked else ""))
                await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, host, port):
        yield


async def _http(service: Service[Any], path: str) -> bytes:
    status, kind, body = 404, "application/json", b"{}"
    if path == "/health":
        status, body = 200, orjson.dumps(health(service))
    elif path == "/ready":
        status, answer = await readiness(service, *SERVERS)
        body = orjson.dumps(answer)
    elif path == "/metrics":
        status, kind, body = 200, CONTENT_TYPE_LATEST, generate_latest()
    headers = f"content-type: {kind}\r\ncontent-length: {len(body)}\r\nconnection: close"
    return f"HTTP/1.1 {status} \r\n{headers}\r\n\r\n".encode() + body

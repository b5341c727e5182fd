"""`/health`, `/ready` and `/metrics`: what an orchestrator and Prometheus ask every process."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, Info, generate_latest

from libs.common.errors import Unavailable
from libs.common.resilience import AWAY
from libs.common.service import VERSION, Service
from libs.common.sql import Bound

log = logging.getLogger(__name__)

BUILD = Info("vitrine_build", "What runs here")
BUILD.info({"version": VERSION})
_PATIENCE = 2
_REQUEST = re.compile(rb"GET (/\w*) ")


def health(service: Service[Any]) -> dict[str, str]:
    """Says that the process answers, not that its servers do."""
    return {"status": "healthy", "service": service.name, "version": VERSION}


async def readiness(service: Service[Any]) -> tuple[int, dict[str, Any]]:
    """The status and the body of `/ready`: every server this process needs, `ok` or what is wrong with it."""
    names = ("database", "nats", "object_store")
    found = await asyncio.gather(
        _check(service.db.fetchval(Bound("SELECT 1", ()))),
        _check(_connected(service)),
        _check(service.objects.ping()),
    )
    ready = all(state == "ok" for state in found)
    status = "ready" if ready else "unavailable"
    return (200 if ready else 503), {"status": status, "checks": dict(zip(names, found, strict=True))}


async def _check(question: Awaitable[Any]) -> str:
    try:
        async with asyncio.timeout(_PATIENCE):
            await question
    except AWAY as error:
        log.warning("not ready: %r", error)
        return "unavailable"
    return "ok"


async def _connected(service: Service[Any]) -> None:
    if not service.bus.connected:
        raise Unavailable("no connection to NATS")
    await service.bus.nc.flush(_PATIENCE)


@asynccontextmanager
async def serving_probes(service: Service[Any], host: str, port: int | None) -> AsyncIterator[None]:
    """For a worker: answers the probes on a port of their own, without the weight of a web framework."""
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
        status, answer = await readiness(service)
        body = orjson.dumps(answer)
    elif path == "/metrics":
        status, kind, body = 200, CONTENT_TYPE_LATEST, generate_latest()
    headers = f"content-type: {kind}\r\ncontent-length: {len(body)}\r\nconnection: close"
    return f"HTTP/1.1 {status} \r\n{headers}\r\n\r\n".encode() + body

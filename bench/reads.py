"""Reading products through one API process, with authentication, limits, metrics and tracing on, beside a bare route.

Sixteen connections. The tracing exporter sends to a collector that only says yes.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import httpx
from uuid_utils.compat import uuid7

from bench.harness import Bar, interleave, report
from bench.system import opened, servers
from deploy.local.probe import http_status
from deploy.local.process import Program, Supervised
from deploy.local.run_directory import free_port
from deploy.local.stack import Stack
from services.catalog.products.domain import CreateProduct, NewProduct, products
from services.catalog.store import definition

CONNECTIONS = 16
SECONDS = 2.0
OWNERS, PRODUCTS = 4, 1000
PASSWORD = "a password for the benchmark"


@dataclass(frozen=True)
class Owner:
    id: UUID
    token: str
    products: tuple[UUID, ...] = ()


async def main() -> bool:
    async with _collector() as collector:
        # A user may read 120 times a minute by default: the limits count here as they do there, only farther.
        limits = {"RATE_LIMIT_READ": "1000000/minute", "RATE_LIMIT_AUTH": "100/minute"}
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector, **limits}
        async with servers(env, "auth-api", "catalog-api") as stack:
            owners = [await _with_products(stack, owner) for owner in await _register(stack)]
            with _bare(stack) as bare_port:
                return await _measure(stack.ports["catalog-api"], bare_port, owners)


async def _measure(port: int, bare_port: int, owners: Sequence[Owner]) -> bool:
    details = [(f"/api/v1/products/{product}", owner) for owner in owners for product in owner.products]
    lists = [("/api/v1/products", owner) for owner in owners]
    met = True
    for title, requests in (("GET /products/{id}", details), ("GET /products, 20 of 1,000", lists)):
        ours = [(path, f"Bearer {owner.token}") for path, owner in requests]
        bare = [(path, str(owner.id)) for path, owner in requests]
        results = await interleave(
            {"catalog": _load(port, ours), "bare FastAPI route": _load(bare_port, bare)}
        )
        met &= report(title, "requests/s", results, [Bar("catalog", "bare FastAPI route", 0.6)])
    return met


def _load(port: int, requests: Sequence[tuple[str, str]]) -> Any:
    async def run() -> float:
        command = [sys.executable, "-m", "bench.load", str(port), str(CONNECTIONS), str(SECONDS)]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        output, _ = await process.communicate(json.dumps(requests).encode())
        return float(output)

    return run


async def _register(stack: Stack) -> list[Owner]:
    url = f"http://127.0.0.1:{stack.ports['auth-api']}/api/v1/auth"
    owners = []
    async with httpx.AsyncClient(base_url=url, timeout=30) as auth:
        for number in range(OWNERS):
            who = {"email": f"owner{number}@example.org", "password": PASSWORD}
            (await auth.post("/register", json=who)).raise_for_status()
            login = (await auth.post("/login", json=who)).raise_for_status().json()
            owners.append(Owner(UUID(login["user"]["id"]), login["access_token"]))
    return owners


async def _with_products(stack: Stack, owner: Owner) -> Owner:
    ids = tuple(uuid7() for _ in range(PRODUCTS))
    async with opened(stack, definition) as service:
        for batch in range(0, PRODUCTS, 100):
            async with service.transaction() as tx:
                for number, product_id in enumerate(ids[batch : batch + 100], batch):
                    details = NewProduct(title=f"Mug {number}", category="mugs", tags=["blue", "ceramic"])
                    slug = f"mug-{product_id}"
                    await tx.handle(
                        products, product_id, CreateProduct(owner_id=owner.id, slug=slug, details=details)
                    )
    return replace(owner, products=ids)


def _bare(stack: Stack) -> Any:
    port = free_port()
    uvicorn = [sys.executable, "-m", "uvicorn", "bench.peers.bare_products:app", "--no-access-log"]
    options = [
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--loop",
        "uvloop",
        "--http",
        "httptools",
        "--log-level",
        "warning",
    ]
    program = Program(
        "bare",
        [*uvicorn, *options],
        ready=lambda: http_status(port, "/docs") == 200,
        env=stack.service_env("catalog"),
    )
    return _Running(Supervised(program, stack.run.path / "bare.log"), port)


class _Running:
    def __init__(self, process: Supervised, port: int) -> None:
        self._process, self._port = process, port

    def __enter__(self) -> int:
        self._process.start()
        self._process.wait_ready(30)
        return self._port

    def __exit__(self, *_: object) -> None:
        self._process.stop()


@asynccontextmanager
async def _collector() -> AsyncIterator[str]:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
            await reader.readexactly(int(length.split(b":")[1]))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await accept(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

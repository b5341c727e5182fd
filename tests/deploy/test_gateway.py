"""The Caddyfile before real upstreams: who gets which path, what passes, what happens when one is down."""

import asyncio
import re
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
import websockets
from minio import Minio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from deploy import SERVICES
from deploy.local.gateway import Gateway
from deploy.local.object_store import BUCKET
from deploy.local.process import Supervised
from deploy.local.run_directory import RunDirectory, free_port
from deploy.local.stack import Stack
from deploy.openapi import document_of

ID = "0199aaaa-0000-7000-8000-000000000000"


class Upstream:
    """A service that says who it is and what it was asked."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = free_port()
        self.ready = True
        self.released = threading.Event()
        routes = [
            Route("/ready", self.answer_ready),
            Route("/api/v1/jobs/{id}/stream", self.stream),
            WebSocketRoute("/ws/processing/{id}", self.socket),
            Route("/{path:path}", self.echo, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes), port=self.port, log_level="error", ws="websockets-sansio"
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run)

    async def answer_ready(self, _: Request) -> Response:
        return JSONResponse({"checks": {"database": "ok"}, "service": self.name}, 200 if self.ready else 503)

    async def echo(self, request: Request) -> Response:
        size = len(await request.body())
        answer = {
            "service": self.name,
            "path": request.url.path,
            "host": request.headers["host"],
            "size": size,
        }
        return JSONResponse(answer, headers={"server": "secret"})

    async def stream(self, _: Request) -> Response:
        async def events() -> AsyncIterator[str]:
            yield "event: snapshot\ndata: {}\n\n"
            await asyncio.to_thread(self.released.wait)
            yield "event: completed\ndata: {}\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    async def socket(self, socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(f"{self.name} {await socket.receive_text()}")
        await socket.close(4003)


@pytest.fixture(scope="module")
def upstreams() -> Iterator[dict[str, Upstream]]:
    found = {name: Upstream(name) for name in SERVICES}
    for upstream in found.values():
        upstream.thread.start()
    while not all(upstream.server.started for upstream in found.values()):
        time.sleep(0.01)
    yield found
    for upstream in found.values():
        upstream.released.set()
        upstream.server.should_exit = True
        upstream.thread.join()


@pytest.fixture(scope="module")
def gateway(
    upstreams: dict[str, Upstream], stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    run = RunDirectory(tmp_path_factory.mktemp("gateway"))
    apis = {name: [upstream.port] for name, upstream in upstreams.items()}
    caddy = Gateway(run, free_port(), apis, stack.ports["object-store"])
    caddy.site.mkdir()
    (caddy.site / "openapi.json").write_text("{}")
    (caddy.site / "docs.html").write_text("<title>the page</title>")
    process = Supervised(caddy.program(), run.path / "gateway.log")
    process.start()
    process.wait_ready(60)
    yield f"http://localhost:{caddy.port}"
    process.stop()


@pytest.fixture
async def client(gateway: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=gateway, timeout=60) as client:
        yield client


ROUTES = {
    "/ws/x": "analysis",
    "/api/v1/jobs": "analysis",
    f"/api/v1/jobs/{ID}": "analysis",
    "/api/v1/batch": "analysis",
    "/api/v1/dashboard/stats": "analysis",
    "/api/v1/garments/scrape": "analysis",
    "/api/v1/wardrobe/extract-from-url": "analysis",
    f"/api/v1/specifications/{ID}": "analysis",
    f"/api/v1/products/{ID}/analyze": "analysis",
    f"/api/v1/products/{ID}/specifications/2/yaml": "analysis",
    "/api/v1/tryon/multi": "generation",
    f"/api/v1/job/{ID}": "generation",
    "/api/v1/models": "generation",
    f"/api/v1/generation-requests/{ID}/images": "generation",
    f"/api/v1/generated-images/{ID}/provenance": "generation",
    f"/api/v1/products/{ID}/generate": "generation",
    f"/api/v1/products/{ID}/generations": "generation",
    f"/api/v1/products/{ID}/gallery": "generation",
    "/images/avatars/u/a.png": "generation",
    f"/images/products/u/{ID}/generated/2026/01/x.png": "generation",
    "/api/v1/auth/login": "auth",
    "/api/v1/login": "auth",
    "/api/v1/admin/login": "auth",
    "/api/v1/admin/users": "auth",
    "/api/v1/users/profile": "auth",
    "/.well-known/jwks.json": "auth",
    "/api/v1/products": "catalog",
    f"/api/v1/products/{ID}": "catalog",
    f"/api/v1/products/{ID}/upload-references": "catalog",
    "/api/v1/products/by-slug/gallery": "catalog",
    "/api/v1/products/bestsellers": "catalog",
    "/api/v1/wardrobe/items": "catalog",
    "/api/v1/admin/products": "catalog",
    "/api/v1/admin/analytics/dashboard": "catalog",
    f"/images/products/u/{ID}/photo.jpg": "catalog",
    "/api/v1/admin/auth/events": "auth",
    "/api/v1/admin/catalog/events": "catalog",
    "/api/v1/admin/analysis/projections/jobs/rebuild": "analysis",
    "/api/v1/admin/generation/events": "generation",
}


@pytest.mark.parametrize(("path", "service"), ROUTES.items())
async def test_a_path_belongs_to_one_service(client: httpx.AsyncClient, path: str, service: str) -> None:
    answer = (await client.get(path)).json()
    assert (answer["service"], answer["path"]) == (service, path)


async def test_every_documented_path_reaches_the_service_that_documents_it(client: httpx.AsyncClient) -> None:
    for service in SERVICES:
        for template in document_of(service)["paths"]:
            path = re.sub(r"\{[^}]+\}", ID, template)
            answer = await client.delete(path)  # the upstreams echo it, whatever the path
            assert (answer.status_code, answer.json().get("service")) == (200, service), path


@pytest.mark.parametrize("path", ["/nothing", "/metrics", "/api/v1/jobsworth", "/api/v2/products", "/api/v1"])
async def test_other_paths_are_404_with_a_problem_body(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["code"] == "not_found"


async def test_answers_carry_the_security_headers_and_no_server_name(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/products")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "server" not in answer.headers


async def test_a_service_sees_the_host_the_client_asked(client: httpx.AsyncClient, gateway: str) -> None:
    answer = (await client.get("/api/v1/products")).json()
    assert f"http://{answer['host']}" == gateway


async def test_the_pages_are_served_from_files(client: httpx.AsyncClient) -> None:
    for path in ("/docs", "/api/docs"):
        page = await client.get(path)
        assert "the page" in page.text
        assert page.headers["content-type"].startswith("text/html")
        assert "script-src" not in page.headers["content-security-policy"]
    assert (await client.get("/openapi.json")).json() == {}
    assert (await client.get("/")).headers["location"] == "/docs"


async def test_ready_is_the_answer_of_the_first_service_that_is_not(
    client: httpx.AsyncClient, upstreams: dict[str, Upstream]
) -> None:
    assert (await client.get("/health")).json()["status"] == "healthy"
    assert (await client.get("/ready")).status_code == 200
    upstreams["analysis"].ready = False
    try:
        answer = await client.get("/ready")
    finally:
        upstreams["analysis"].ready = True
    assert (answer.status_code, answer.json()["service"]) == (503, "analysis")


async def test_server_sent_events_pass_one_by_one(
    client: httpx.AsyncClient, upstreams: dict[str, Upstream]
) -> None:
    async with client.stream("GET", f"/api/v1/jobs/{ID}/stream") as answer:
        lines = answer.aiter_lines()
        assert await anext(lines) == "event: snapshot"
        upstreams["analysis"].released.set()
        assert "event: completed" in [line async for line in lines]


async def test_websockets_pass_with_their_close_code(gateway: str) -> None:
    async with websockets.connect(f"{gateway.replace('http', 'ws')}/ws/processing/{ID}") as socket:
        await socket.send("hello")
        assert await socket.recv() == "analysis hello"
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 4003


@pytest.mark.parametrize("protocol", ["h2c", "websocket"])
async def test_a_request_that_offers_another_protocol_keeps_its_body(
    client: httpx.AsyncClient, protocol: str
) -> None:
    headers = {"connection": "Upgrade", "upgrade": protocol}
    answer = await client.post("/api/v1/products", content=b"{}", headers=headers)
    assert (answer.status_code, answer.json()["size"]) == (200, 2)


async def test_a_body_over_the_limit_is_413(client: httpx.AsyncClient) -> None:
    assert (await client.post("/api/v1/uploads/direct", content=bytes(60_000_000))).json()[
        "size"
    ] == 60_000_000
    answer = await client.post("/api/v1/uploads/direct", content=bytes(130_000_000))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_a_malformed_body_is_not_the_services_fault(gateway: str) -> None:
    address = httpx.URL(gateway)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(b"POST /api/v1/products HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
    async with asyncio.timeout(60):
        answer = await reader.readuntil(b"}")
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"code":"bad_request"' in answer


async def test_presigned_urls_work_through_the_gateway_and_nothing_else_does(
    client: httpx.AsyncClient, gateway: str, stack: Stack
) -> None:
    secrets = stack.secrets
    signer = Minio(
        gateway.removeprefix("http://"),
        access_key=secrets.s3_access_key,
        secret_key=secrets.s3_secret_key,
        region="us-east-1",
        secure=False,
    )
    put = signer.presigned_put_object(BUCKET, "products/u/p/a b.html", expires=timedelta(minutes=5))
    get = signer.presigned_get_object(BUCKET, "products/u/p/a b.html", expires=timedelta(minutes=5))
    assert (await client.put(put, content=b"<script>")).status_code == 200
    answer = await client.get(get)
    assert (answer.status_code, answer.content) == (200, b"<script>")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert (await client.get(get[:-1])).status_code == 403
    assert (await client.get(f"/{BUCKET}/products/u/p/a%20b.html")).status_code == 403
    assert (await client.get(f"/{BUCKET}/")).status_code == 403
    assert (await client.delete(get)).status_code == 404


@asynccontextmanager
async def before(apis: dict[str, list[int]], directory: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway before these ports."""
    caddy = Gateway(RunDirectory(directory), free_port(), apis, free_port())
    process = Supervised(caddy.program(), directory / "gateway.log")
    process.start()
    try:
        await asyncio.to_thread(process.wait_ready, 60)
        async with httpx.AsyncClient(base_url=f"http://localhost:{caddy.port}", timeout=60) as client:
            yield client
    finally:
        await asyncio.to_thread(process.stop)


async def dying(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A replica that is killed whenever it has read a request."""
    await reader.read(65536)
    writer.close()


async def test_a_replica_that_dies_or_is_away_is_noticed_only_where_a_repeat_is_not_safe(
    upstreams: dict[str, Upstream], tmp_path: Path
) -> None:
    async with await asyncio.start_server(dying, "127.0.0.1", 0) as server:
        ports = [server.sockets[0].getsockname()[1], free_port(), upstreams["catalog"].port]
        apis = {name: [upstream.port] for name, upstream in upstreams.items()} | {"catalog": ports}
        async with before(apis, tmp_path) as client:
            reads = [await client.get("/api/v1/products") for _ in range(10)]
            key, body = {"idempotency-key": "1"}, b"x" * 5000
            repeatable = [await client.post("/api/v1/products", headers=key, content=body) for _ in range(10)]
            others = [await client.post("/api/v1/products", content=body) for _ in range(20)]
    assert {answer.status_code for answer in reads + repeatable} == {200}
    assert {answer.json()["size"] for answer in repeatable} == {5000}
    assert {answer.status_code for answer in others} == {200, 503}


async def test_a_service_that_is_down_is_503_with_a_problem_body(
    upstreams: dict[str, Upstream], tmp_path: Path
) -> None:
    apis = {name: [upstream.port] for name, upstream in upstreams.items()} | {"generation": [free_port()]}
    async with before(apis, tmp_path) as client:
        answer = await client.get("/api/v1/models")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["status"] == 503

"""Around every request and WebSocket: its id, its span, its metrics, one log line; a 500 is a problem too."""

import logging
import re
import time
from dataclasses import dataclass, field

from prometheus_client import Counter, Gauge, Histogram
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

from libs.common.http.problems import failure_problem, problem
from libs.common.telemetry import Span, span

log = logging.getLogger("access")

REQUESTS = Counter("http_requests", "Requests by their answer.", ["method", "route", "status"])
SECONDS = Histogram(
    "http_request_seconds",
    "From the request's headers to the end of its answer.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)
IN_PROGRESS = Gauge("http_requests_in_progress", "Requests that are being answered, streams included")
WEBSOCKETS = Gauge("websocket_connections", "Open WebSockets")
CLIENT_LEFT = 499
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ID = re.compile(r"[0-9a-fA-F-]{36}")
_REQUEST_ID = re.compile(rb"[\w.:-]{1,128}")


@dataclass(slots=True)
class Exchange:
    """One request and its answer, as far as several parts of the edge need them; `scope["exchange"]`."""

    headers: dict[bytes, bytes]
    request_id: str
    address: str
    answer_headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    status: int = CLIENT_LEFT
    started: bool = False


class RequestMiddleware:
    """Plain ASGI and few objects: every request goes through it, and the stock one halves the throughput."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._meters: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        exchange = scope["exchange"] = _exchange(scope)
        parent = exchange.headers.get(b"traceparent", b"").decode("latin-1")
        method = scope.get("method", "WS")
        if method == "HEAD":
            scope, send = {**scope, "method": "GET"}, _headers_only(send)
        with span(method, "server", parent) as step:
            step.log_fields = {"request_id": exchange.request_id}
            if method == "WS":
                await self._converse(scope, receive, send, step)
                return
            IN_PROGRESS.inc()
            try:
                await self._answer(exchange, scope, receive, send)
            finally:
                IN_PROGRESS.dec()
                self._record(exchange, scope, step, time.perf_counter() - began)

    async def _converse(self, scope: Scope, receive: Receive, send: Send, step: Span) -> None:
        began = time.perf_counter()
        WEBSOCKETS.inc()
        try:
            await self._app(scope, receive, send)
        finally:
            WEBSOCKETS.dec()
            route = getattr(scope.get("route"), "path_format", "unmatched")
            step.name = f"WS {route}"
            step.set(**{"http.route": route})
            extra = {"route": route, "milliseconds": round((time.perf_counter() - began) * 1000, 2)}
            log.info("WS %s ended", _shown_path(scope, route), extra=extra)

    async def _answer(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.started = True
                exchange.status = message["status"]
                if scope["app"].state.service.stopping.is_set():
                    exchange.answer_headers.append((b"connection", b"close"))
                message["headers"] = [*message["headers"], *exchange.answer_headers]
            await send(message)

        if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
            refusal = problem(400, "an address cannot contain the character U+0000", "bad_request")
            await refusal(scope, receive, send_with_headers)
            return
        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:
            if exchange.started:
                raise
            await failure_problem(error, Request(scope))(scope, receive, send_with_headers)

    def _record(self, exchange: Exchange, scope: Scope, step: Span, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = getattr(scope.get("route"), "path_format", "unmatched")
        step.name = f"{method} {route}"
        step.set(**{"http.route": route, "http.response.status_code": exchange.status})
        count, duration = self._meters_of(method, route, exchange.status)
        count.inc()
        duration.observe(seconds)
        level = _level(method, exchange.status)
        if log.isEnabledFor(level):
            extra = {"route": route, "milliseconds": round(seconds * 1000, 2)}
            log.log(level, "%s %s %d", method, _shown_path(scope, route), exchange.status, extra=extra)

    def _meters_of(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        """Kept, because finding a meter by its labels takes longer than counting."""
        meters = self._meters.get((method, route, status))
        if meters is None:
            meters = REQUESTS.labels(method, route, status), SECONDS.labels(method, route)
            self._meters[method, route, status] = meters
        return meters


def _headers_only(send: Send) -> Send:
    """A HEAD is answered as a GET is and counted as one; its answer ends where the body would begin."""

    async def send_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            await send({"type": "http.response.body"})

    return send_headers


def _shown_path(scope: Scope, route: str) -> str:
    """The route with the ids that it was called with; other parameters may be a person's name or address."""
    for name, value in scope.get("path_params", {}).items():
        if _ID.fullmatch(str(value)):
            route = route.replace(f"{{{name}}}", str(value))
    return route


def _level(method: str, status: int) -> int:
    """Reads that succeed are many and change nothing: metrics and traces tell of them."""
    if status >= 500:
        return logging.ERROR
    return logging.DEBUG if method == "GET" and status < 400 else logging.INFO


def _exchange(scope: Scope) -> Exchange:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    given = headers.get(b"x-request-id", b"")
    request_id = given.decode() if _REQUEST_ID.fullmatch(given) else str(uuid7())
    peer = scope["client"][0] if scope.get("client") else ""
    address = scope["app"].state.client_address(peer, headers.get(b"x-forwarded-for"))
    return Exchange(headers, request_id, address, [(b"x-request-id", request_id.encode())])

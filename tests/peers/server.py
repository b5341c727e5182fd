"""A stub of somebody's service, on a port of its own in a thread of the test: real HTTP, and it does as it is told."""

import socket
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

Answer = Callable[["Call"], Response | Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Call:
    """What came in; `body` is the JSON, or the fields of a form with its `files` beside them."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    files: tuple[tuple[str, str, bytes], ...] = ()
    """Name, type and content of each."""


@dataclass
class Peer:
    """`with Peer(routes) as peer:`. `script` has the next answers, by request; after them it succeeds."""

    routes: Mapping[str, Answer]
    calls: list[Call] = field(default_factory=list)
    script: deque[Answer | None] = field(default_factory=deque)
    """None is success."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0))
        routes = [
            Route(path, self._endpoint(answer), methods=["POST"]) for path, answer in self.routes.items()
        ]
        config = uvicorn.Config(
            Starlette(routes=routes), log_level="critical", lifespan="off", loop="asyncio"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()
        self._socket.close()

    def then(self, *answers: Answer | None) -> None:
        """The next requests are answered so, in this order."""
        self.script.extend(answers)

    def _endpoint(self, success: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            call = await _read(request)
            self.calls.append(call)
            scripted = self.script.popleft() if self.script else None
            answered = (scripted or success)(call)
            return answered if isinstance(answered, Response) else await answered

        return answer


async def _read(request: Request) -> Call:
    if request.headers["content-type"].startswith("application/json"):
        return Call(request.url.path, request.headers, await request.json())
    fields, files = {}, []
    async with request.form() as form:
        for name, value in form.multi_items():
            if isinstance(value, str):
                fields[name] = value
            else:
                files.append((value.filename or "", value.content_type or "", await value.read()))
    return Call(request.url.path, request.headers, fields, tuple(files))


class CutOff(Response):
    """Promises more than it sends; the server then closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"id"', "more_body": False})

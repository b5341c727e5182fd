"""What the stub servers of all providers' wire protocols share: real HTTP, every call noted, misbehaviour on demand.

A word in double brackets in the prompt (`a mug [[quota]]`) or the next one in `script` chooses how a call is answered.
"""

import asyncio
import io
import json
import re
import socket
import struct
import threading
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import uvicorn
from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

BAD_KEY = "bad"
ALIEN = {
    "status": "completed",
    "output": [None],
    "data": 5,
    "choices": None,
    "candidates": [{"finishReason": 5}],
}
_WORD = re.compile(r"\[\[(\w+)\]\]")


@dataclass(frozen=True, slots=True)
class Call:
    """`body` is parsed JSON or, of a multipart form, its fields; `images` are the pictures sent along."""

    path: str
    key: str
    text: str
    """Every text of the prompt, in order."""
    body: dict[str, Any]
    images: tuple[bytes, ...] = ()


@dataclass
class Stub(ABC):
    """Speaks one provider's wire protocol. `word` of an answer is None when all is to go well."""

    calls: list[Call] = field(default_factory=list)
    words: Counter[str | None] = field(default_factory=Counter)
    """How often each behaviour was asked for."""
    script: deque[str | None] = field(default_factory=deque)
    """The behaviours of the next calls, in the order in which they arrive; before any word of the prompt."""
    delay: float = 0.0
    """Seconds before every answer."""
    says: tuple[int, Any] | None = None
    """Status and JSON, or bytes, of every answer, in place of anything sensible."""

    @abstractmethod
    async def read(self, request: Request) -> Call: ...

    @abstractmethod
    def answer(self, call: Call, word: str | None) -> Response: ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Words of every stub: slow (never answers), reset (cuts the connection), broken (JSON), html (a
        gateway's), alien and null (JSON of no protocol), denied (a gateway's JSON)."""
        call = await self.read(Request(scope, receive))
        found = _WORD.search(call.text)
        word = self.script.popleft() if self.script else found and found[1]
        self.calls.append(call)
        self.words[word] += 1
        await asyncio.sleep(self.delay)
        if self.says:
            status, told = self.says
            body = told if isinstance(told, bytes) else json.dumps(told)
            await Response(body, status, media_type="application/json")(scope, receive, send)
            return
        match word:
            case "slow":
                await _hung_up(receive)
            case "reset":
                _reset(send)
            case "broken":
                await Response('{"cut": "of', media_type="application/json")(scope, receive, send)
            case "alien":
                await JSONResponse(ALIEN)(scope, receive, send)
            case "denied":
                await JSONResponse({"error": "denied"}, 403)(scope, receive, send)
            case "null":
                await JSONResponse(None)(scope, receive, send)
            case "html":
                await Response("<html>Bad gateway</html>", 502, media_type="text/html")(scope, receive, send)
            case _:
                await self.answer(call, word)(scope, receive, send)


@contextmanager
def serving(stub: Stub) -> Iterator[str]:
    """Its URL, without a trailing slash, for as long as the block lasts."""
    config = uvicorn.Config(stub, lifespan="off", log_level="critical", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    # Who comes before it is up waits in the socket's queue.
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


async def _hung_up(receive: Receive) -> None:
    message: Message = {}
    while message.get("type") != "http.disconnect":
        message = await receive()


def _reset(send: Send) -> None:
    """TCP RST instead of an answer."""
    transport = send.__self__.transport  # type: ignore[attr-defined]  # uvicorn's; ASGI has no word for it
    at_once = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    transport.abort()


@lru_cache(maxsize=64)
def picture(width: int, height: int, shade: int = 0, *, kind: str = "PNG", alpha: bool = False) -> bytes:
    """A plain picture, with `alpha` on nothing; another shade (0 to 255) gives other pixels."""
    encoded = io.BytesIO()
    image = Image.new("RGBA" if alpha else "RGB", (width, height), (shade, 160, 90))
    if alpha:
        image.paste((0, 0, 0, 0), (0, 0, width, height // 4))
    image.save(encoded, kind, compress_level=1)
    return encoded.getvalue()


def example(schema: dict[str, Any], definitions: dict[str, Any] | None = None) -> Any:
    """The least value that satisfies a JSON schema, so that no stub depends on any model class."""
    definitions = definitions if definitions is not None else schema.get("$defs", {})
    if "$ref" in schema:
        return example(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    if "anyOf" in schema:
        return example(schema["anyOf"][0], definitions)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: example(one, definitions) for name, one in schema.get("properties", {}).items()}
        case "array":
            return [example(schema["items"], definitions)]
        case "string":
            return schema.get("const", "#336699" if "pattern" in schema else "example")
        case kind:
            return {"number": 0.5, "integer": 1, "boolean": True}.get(str(kind))

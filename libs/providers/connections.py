"""How the SDKs connect: over aiohttp, which takes half the processor time of their own HTTP client.

No connection is kept: an answer takes seconds, a connection does not, and one that the server has closed meanwhile
would fail a call that nobody repeats. Nor do fifty idle ones have to be held for the next moment of haste.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import aiohttp
import httpx2

UNLIMITED = 0
LIMITS = httpx2.Limits(max_connections=UNLIMITED, keepalive_expiry=0)
"""Of the OpenAI SDK's client, which then uses no connection twice, but leaves it open until the next call."""
HEADERS = {"Connection": "close"}
"""So the server is asked to close it at once."""
READ_AHEAD = 2**22
"""Bytes; as the Gemini SDK does in a session of its own. Pictures come in answers of tens of megabytes."""


MOST_BYTES = 100_000_000
"""Of an answer, unpacked: a picture of 16 megapixels that cannot be compressed has 70 million as base64."""


class TooMuch(ValueError):
    """An answer that nobody would keep in memory."""


async def bounded(answer: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Raises TooMuch instead of going on for ever."""
    left = MOST_BYTES
    async for part in answer:
        left -= len(part)
        if left < 0:
            raise TooMuch(f"more than {MOST_BYTES} bytes")
        yield part


async def hook(response: httpx2.Response) -> None:
    """For the OpenAI SDK's client, on every response."""
    unpacked = response.aiter_bytes
    response.aiter_bytes = lambda *size: bounded(unpacked(*size))  # type: ignore[method-assign]


async def middleware(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """The same for the Gemini SDK's session."""
    response = await handler(request)
    response.content = _Bounded(response.content)  # type: ignore[assignment]
    return response


class _Bounded:
    """A body that is read in one piece."""

    def __init__(self, body: aiohttp.StreamReader) -> None:
        self._body = body

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)

    async def read(self) -> bytes:
        return b"".join([part async for part in bounded(aiter(self._body.iter_any()))])


def session() -> aiohttp.ClientSession:
    """For the Gemini SDK, whose own one keeps its connections. Of the running loop; to be closed."""
    connector = aiohttp.TCPConnector(limit=UNLIMITED, force_close=True)
    return aiohttp.ClientSession(
        connector=connector, trust_env=True, read_bufsize=READ_AHEAD, middlewares=(middleware,)
    )

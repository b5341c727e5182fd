"""Following something that happens: numbered messages, read again whenever a notice says that it is worth a look.

What is read is the truth; a notice that gets lost delays a message, and loses none.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from starlette.responses import StreamingResponse

from libs.common.bus import Listener
from libs.common.http.bodies import dumped
from libs.common.resilience import AWAY
from libs.common.service import Service

QUIET_SECONDS = 5.0
"""How long a lost notice can delay a message, and a silent connection stays silent."""
DOCUMENTED: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}},
    204: {"description": "Everything has been seen: do not come again."},
}
_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


@dataclass(frozen=True, slots=True)
class Message:
    """`version` is its stream's; `body` goes to the client as it is; nothing follows a `final` one."""

    version: int
    type: str
    body: dict[str, Any]
    final: bool = False


Messages = AsyncGenerator[Message | None, None]
"""`None` when it has been quiet for a while."""
Listen = Callable[[Callable[[], None]], Awaitable[Listener]]
"""Has a function called at every notice."""
Read = Callable[[int], Awaitable[Sequence[Message]]]
"""The messages behind a version."""


async def followed(service: Service[Any], listen: Listen, read: Read, after: int) -> Messages:
    """The messages behind version `after`, up to the final one.

    Ends without the final one when the process is to end: the client asks another. While the database is away, it
    waits for it to come back.
    """
    news = asyncio.Event()
    listener = await listen(news.set)
    try:
        while not service.stopping.is_set():
            news.clear()
            found = await _read(read, after)
            for message in found:
                yield message
                after = message.version
                if message.final:
                    return
            if not found:
                yield None
            await _first_of(news, service.stopping)
    finally:
        await service.bus.ignore(listener)


def server_sent(messages: Messages) -> StreamingResponse:
    """Each as a server-sent event whose id is its version."""
    return StreamingResponse(_events(messages), media_type="text/event-stream", headers=_HEADERS)


async def _read(read: Read, after: int) -> Sequence[Message]:
    try:
        return await read(after)
    except AWAY:
        return []


async def _first_of(*events: asyncio.Event) -> None:
    """Or the end of QUIET_SECONDS."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=QUIET_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


async def _events(messages: Messages) -> AsyncIterator[bytes]:
    async with aclosing(messages):
        async for message in messages:
            yield _event(message) if message else b": still here\n\n"


def _event(message: Message) -> bytes:
    kind = message.type.encode()
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (message.version, kind, dumped(message.body))

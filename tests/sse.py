"""A client of server-sent events."""

from collections.abc import AsyncGenerator
from typing import Any

import orjson
from httpx import AsyncClient


class Event(dict[str, Any]):
    """One of them: `id`, `event`, and `data` as parsed JSON."""


async def events_of(client: AsyncClient, path: str, **headers: str) -> AsyncGenerator[Event, None]:
    """Until the server ends the stream."""
    async with client.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        event = Event()
        async for line in answer.aiter_lines():
            if line.startswith(":"):
                continue
            if not line and event:
                yield event
                event = Event()
            elif line:
                name, _, value = line.partition(": ")
                event[name] = orjson.loads(value) if name == "data" else value

"""Waiting for a generation's end, for a caller who would rather wait than ask again."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress
from typing import Any
from uuid import UUID

from libs.common.bus import Listener
from libs.common.contracts.generation import GenerationCancelled, GenerationCompleted, GenerationFailed
from libs.common.errors import Conflict, DomainError, Unavailable
from libs.common.http.following import Message, followed
from libs.common.service import Service
from libs.providers.errors import ErrorCode, refusal

Ending = GenerationCompleted | GenerationFailed | GenerationCancelled


async def wait_for_end(service: Service[Any], request_id: UUID, seconds: float) -> Ending | None:
    """`None` if it does not come in time."""
    ends: list[Ending] = []

    async def listen(heard: Callable[[], None]) -> Listener:
        """Whoever has appended a public event wakes the relay."""
        return await service.bus.on_wake(service.name, heard)

    async def read(after: int) -> list[Message]:
        async with service.db.pool.acquire() as con:
            history = await service.log.load(con, service.keys, request_id)
        ends.extend(recorded.event for recorded in history if isinstance(recorded.event, Ending))
        return [Message(history[-1].version, "end", {}, final=True)] if ends else []

    with suppress(TimeoutError):
        async with asyncio.timeout(seconds), aclosing(followed(service, listen, read, 0)) as messages:
            async for message in messages:
                if message and message.final:
                    break
    return ends[0] if ends else None


def why_not(end: GenerationFailed | GenerationCancelled) -> DomainError:
    """Why there is no picture, for a caller who has waited for it."""
    if isinstance(end, GenerationCancelled):
        return Conflict("it was cancelled", code="cancelled")
    if end.code in set(ErrorCode):
        return refusal(ErrorCode(end.code), end.detail, retry_after=5 if end.retryable else None)
    return (Unavailable if end.retryable else Conflict)(end.detail, code=end.code)

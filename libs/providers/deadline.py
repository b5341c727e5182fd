"""The time that one call of a provider may take, without what it spends in a queue of this process."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar

_current: ContextVar[tuple[asyncio.Timeout, float] | None] = ContextVar("deadline", default=None)


@asynccontextmanager
async def deadline(seconds: float) -> AsyncIterator[None]:
    """Raises TimeoutError."""
    async with asyncio.timeout(seconds) as timeout:
        token = _current.set((timeout, seconds))
        try:
            yield
        finally:
            _current.reset(token)


@contextmanager
def queued() -> Iterator[None]:
    """Inside a call: its time counts from the end of this block.

    Otherwise a full queue of ours would be taken for a slow provider, and the breaker would open for everybody.
    """
    current = _current.get()
    if current is None:
        yield
        return
    timeout, seconds = current
    timeout.reschedule(None)
    try:
        yield
    finally:
        timeout.reschedule(asyncio.get_running_loop().time() + seconds)

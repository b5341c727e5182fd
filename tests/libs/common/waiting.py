"""Conditions instead of sleeps."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from libs.common.resilience import AWAY, end


async def eventually(condition: Callable[[], Awaitable[Any]], seconds: float = 60.0) -> Any:
    """The condition's first true value. A failed assertion counts as not yet, and so does a server that is away.

    The patience is for a machine that is busy with something else: a test that passes does not use it.
    """
    deadline = time.monotonic() + seconds
    while True:
        problem: object = "not yet"
        try:
            if result := await condition():
                return result
        except (AssertionError, *AWAY) as error:
            problem = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {problem!r}")
        await asyncio.sleep(0.01)


@asynccontextmanager
async def background(work: Awaitable[None]) -> AsyncIterator["asyncio.Task[None]"]:
    """Runs beside the block; what it raises fails the test."""
    task = asyncio.ensure_future(work)
    try:
        yield task
        if task.done() and not task.cancelled():
            task.result()
    finally:
        await end([task], patience=1)

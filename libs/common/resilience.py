"""Servers go away and come back: what that looks like, how to go on, and who leads meanwhile."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg
import nats.errors

from libs.common.database import connect
from libs.common.errors import Unavailable

T = TypeVar("T")
log = logging.getLogger(__name__)

AWAY = (
    OSError,  # TimeoutError included
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # of a connection that was cut in the middle of an answer
    nats.errors.Error,
    Unavailable,
)
"""A server is away, or was for a moment: nobody's fault, and worth another try."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
HEALTHY_AFTER = 10.0
INSIST_PAUSE = 0.5


class Interrupted(Exception):
    """What a session relied on has changed under it: begin again from what is stored."""


async def persist(what: str, session: Callable[[], Awaitable[None]]) -> None:
    """Begins `session` again whenever it ends, the later the more often it ended early; until cancelled."""
    pause = FIRST_PAUSE
    while True:
        started = time.monotonic()
        try:
            await session()
        except (*AWAY, Interrupted) as error:
            log.warning("%s is interrupted: %r", what, error)
        except Exception:
            log.exception("%s failed", what)
        pause = FIRST_PAUSE if time.monotonic() - started > HEALTHY_AFTER else min(2 * pause, LONGEST_PAUSE)
        await asyncio.sleep(pause)


async def insist(call: Callable[[], Awaitable[T]], seconds: float) -> T:
    """Calls again while a server is away; raises what the last call did when `seconds` are over."""
    until = time.monotonic() + seconds
    while True:
        try:
            return await call()
        except AWAY:
            if time.monotonic() > until:
                raise
        await asyncio.sleep(INSIST_PAUSE)


_TRY_LOCK = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
"""Tried again and again, as waiting inside PostgreSQL would hold back its vacuum."""


async def end(tasks: Iterable["asyncio.Task[Any]"], patience: float = 15.0) -> None:
    """Cancels the tasks and waits for them, again and again every `patience` seconds.

    Before Python 3.12 `asyncio.wait_for`, which nats-py relies on, loses a cancellation that arrives together
    with what is waited for.
    """
    waiting = set(tasks)
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=patience)


@asynccontextmanager
async def leading(url: str, schema: str, role: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of its own which is the only one in `role`; waits for as long as another process leads.

    Leadership is the connection's advisory lock, so it ends with the process, however that dies. A frozen
    leader may wake up deposed: what it writes must be fenced.
    """
    con = await connect(url, schema, application_name=f"{schema}:{role}", synchronous_commit="off")
    try:
        while not await con.fetchval(_TRY_LOCK, f"{schema}:{role}"):  # noqa: ASYNC110 -- no event crosses processes
            await asyncio.sleep(1)
        yield con
    finally:
        con.terminate()

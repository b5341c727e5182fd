"""One connection pool, one transaction per request, no ORM in between."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

import asyncpg
import orjson

from libs.common.decider import Decider
from libs.common.errors import Conflict, PreconditionFailed
from libs.common.event_log import EventLog, Recorded
from libs.common.messages import Command, Event, Meta
from libs.common.privacy import KeyRing
from libs.common.sql import Bound, Json

S = TypeVar("S")
C = TypeVar("C", bound=Command)
E = TypeVar("E", bound=Event)

log = logging.getLogger(__name__)

RETRIES = 20
"""Whoever has lost a race may lose the next ones to newcomers, who do not queue: about every other one."""


class Reader(Protocol):
    """What a query needs: the pool for a plain read, a transaction to read one's own writes."""

    async def fetch(self, bound: Bound) -> list[asyncpg.Record]: ...
    async def fetchrow(self, bound: Bound) -> asyncpg.Record | None: ...
    async def fetchval(self, bound: Bound) -> Any: ...
    async def execute(self, bound: Bound) -> str: ...


class _Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    def get_reset_query(self) -> str:
        """Nothing here changes session state, so a release costs no round trip."""
        return ""


def _to_json(value: Any) -> str:
    return value if type(value) is Json else orjson.dumps(value).decode()


async def _prepare(con: asyncpg.Connection) -> None:
    await con.set_type_codec("jsonb", schema="pg_catalog", encoder=_to_json, decoder=orjson.loads)


async def connect(url: str, schema: str, **settings: str) -> asyncpg.Connection:
    """A connection of its own, as the pool's are: for advisory locks and tailing."""
    con = await asyncpg.connect(
        url, server_settings={"search_path": schema, "jit": "off", **settings}, timeout=10
    )
    await _prepare(con)
    return con


class Database:
    """The service's schema through a pool; every statement outside a transaction commits by itself."""

    def __init__(self, pool: asyncpg.Pool, schema: str) -> None:
        self.pool = pool
        self.schema = schema

    @classmethod
    async def connect(cls, url: str, schema: str, size: int = 5, name: str | None = None) -> "Database":
        """Opens connections lazily, so a service starts while its database is still down.

        `name` is what PostgreSQL calls them.
        """
        pool = await asyncpg.create_pool(
            url,
            min_size=0,
            max_size=size,
            init=_prepare,
            connection_class=_Connection,
            command_timeout=30,
            timeout=5,
            server_settings={"search_path": schema, "jit": "off", "application_name": name or schema},
        )
        return cls(pool, schema)

    async def fetch(self, bound: Bound) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await self.pool.fetch(bound.sql, *bound.args)
        return rows

    async def fetchrow(self, bound: Bound) -> asyncpg.Record | None:
        return await self.pool.fetchrow(bound.sql, *bound.args)

    async def fetchval(self, bound: Bound) -> Any:
        return await self.pool.fetchval(bound.sql, *bound.args)

    async def execute(self, bound: Bound) -> str:
        return str(await self.pool.execute(bound.sql, *bound.args))

    async def close(self) -> None:
        await self.pool.close()


@dataclass(frozen=True, slots=True)
class Handled(Generic[S]):
    """A command's outcome: the stream's state and version after it, and the events it made (`[]`: already done)."""

    state: S
    version: int
    events: list[Recorded[Any]] = field(default_factory=list)


class Transaction:
    """At most one transaction per request, begun by its first statement.

    Commit before waiting for anything (a job, a reply, an AI or S3 call): an open transaction delays every relay
    on the server.
    """

    def __init__(
        self,
        db: Database,
        log: EventLog,
        keys: KeyRing,
        meta: Meta,
        wake: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`wake` is told after the commit what there is to do: `relay` or `jobs`."""
        self.meta = meta
        self.log = log
        self.keys = keys
        self._db = db
        self._wake = wake
        self._wakes: set[str] = set()
        self._appended: dict[tuple[str, UUID], Handled[Any]] = {}
        self._con: Any = None
        self._tx: Any = None

    async def connection(self) -> asyncpg.Connection:
        """The connection of the transaction, begun if need be; for SQL that is no `Bound`."""
        if self._con is None:
            async with asyncio.timeout(10):  # much cheaper than the pool's own timeout
                con = await self._db.pool.acquire()
            tx = con.transaction()
            try:
                await tx.start()
            except BaseException:  # whether it began is not known
                con.terminate()
                await self._db.pool.release(con)
                raise
            self._con, self._tx = con, tx
        return self._con

    async def fetch(self, bound: Bound) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await (await self.connection()).fetch(bound.sql, *bound.args)
        return rows

    async def fetchrow(self, bound: Bound) -> asyncpg.Record | None:
        return await (await self.connection()).fetchrow(bound.sql, *bound.args)

    async def fetchval(self, bound: Bound) -> Any:
        return await (await self.connection()).fetchval(bound.sql, *bound.args)

    async def execute(self, bound: Bound) -> str:
        return str(await (await self.connection()).execute(bound.sql, *bound.args))

    async def state(self, decider: Decider[S, C, E], stream_id: UUID, up_to: int | None = None) -> Handled[S]:
        """The stream folded to its state, without any change."""
        limit = {} if up_to is None else {"up_to": up_to}
        history = await self.log.load(await self.connection(), self.keys, stream_id, **limit)
        state = reduce(decider.evolve, (recorded.event for recorded in history), decider.initial)
        return Handled(state, history[-1].version if history else 0)

    async def handle(
        self,
        decider: Decider[S, C, E],
        stream_id: UUID,
        *commands: C,
        expected: int | None = None,
        new: bool = False,
        known: Handled[S] | None = None,
    ) -> Handled[S]:
        """Loads, decides one command after the other, appends at once, and updates the inline read models.

        A lost race is decided again on the reloaded stream; losers queue on the stream's lock, so they get their turn
        however many they are. With `expected` (If-Match) any other version raises PreconditionFailed. A stream that
        the commands are to begin is `new`, one that was read before is `known`: it is read only if it has moved on.
        """
        con = await self.connection()
        # who has appended holds the stream's lock, so that nobody else can have gone on from there
        stream = (decider.stream_type, stream_id)
        before = self._appended.get(stream) or (Handled(decider.initial, 0) if new else known)
        for _ in range(1 + RETRIES):
            before = before or await self.state(decider, stream_id)
            after, events = _decided(decider, commands, before.state)  # first, so that a stranger is told 404
            if expected is not None and before.version != expected:
                raise PreconditionFailed(
                    f"this is version {before.version} now, not {expected}: read it again"
                )
            if not events:
                return Handled(before.state, before.version)
            recorded = await self.log.append(
                con, self.keys, decider.stream_type, stream_id, before.version, events, self.meta
            )
            if recorded:
                await self._after_append(recorded)
                self._appended[stream] = Handled(after, recorded[-1].version)
                return Handled(after, recorded[-1].version, recorded)
            before = None
        raise Conflict("too many writers at once: try again", code="busy")

    async def _after_append(self, recorded: Sequence[Recorded[Any]]) -> None:
        con = await self.connection()
        for model in self.log.inline:
            for item in recorded:
                for change in model.project(item):
                    await con.execute(change.sql, *change.args)
        if any(item.event.public for item in recorded):
            self.wake_on_commit("relay")

    def wake_on_commit(self, what: str) -> None:
        """`relay` or `jobs`: whom to wake once this is committed."""
        self._wakes.add(what)

    async def commit(self) -> None:
        """Commits and gives the connection back; the next statement begins a new transaction."""
        if self._con is None:
            return
        try:
            await self._tx.commit()
        finally:
            await self._release()
        for what in self._wakes:
            self._wake(what)
        self._wakes.clear()

    async def rollback(self) -> None:
        """Forgets everything since the last commit; never hides the error it answers."""
        self._wakes.clear()
        if self._con is None:
            return
        try:
            if not self._con.is_closed():
                await self._tx.rollback()
        except Exception as error:  # cut in the middle of an answer: nobody may use this connection again
            log.warning("a transaction could not be rolled back, its connection is dropped: %r", error)
            with suppress(asyncpg.InterfaceError):  # the pool has taken it back by itself
                self._con.terminate()
        finally:
            await self._release()

    async def _release(self) -> None:
        self._appended.clear()
        con, self._con, self._tx = self._con, None, None
        await self._db.pool.release(con)


def _decided(decider: Decider[S, C, E], commands: Sequence[C], state: S) -> tuple[S, list[E]]:
    """What the commands make of the state, and their events."""
    events: list[E] = []
    for command in commands:
        made = decider.decide(command, state)
        state = reduce(decider.evolve, made, state)
        events += made
    return state, events

"""One rebuild for every read model: filled beside the one in use, compared with it, put in its place.

The same projection runs as live, so a rebuild shows what the events say. It creates and drops tables, for
which it needs the owner's role, in schema `<service>_rebuild`, which its search path has before `<service>`.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from libs.common import changes
from libs.common.changes import Round
from libs.common.comparison import Comparison, compare
from libs.common.database import connect
from libs.common.errors import Conflict
from libs.common.event_log import ReadModel
from libs.common.rebuild_sources import Events, Source, source_of
from libs.common.resilience import end
from libs.common.service import Service

T = TypeVar("T")
LOCK_ATTEMPTS = 40
LOCK_TIMEOUT = "500ms"
"""Below PostgreSQL's deadlock_timeout: where a writer waits for us as we wait for it, we give way."""


@dataclass(frozen=True, slots=True)
class Report:
    """`events` were read in `seconds`; `tables` compares those in use with the rebuilt ones."""

    model: str
    events: int
    seconds: float
    tables: tuple[Comparison, ...]

    @property
    def equal(self) -> bool:
        return all(table.equal for table in self.tables)


async def rebuild(service: Service[Any], model: ReadModel, owner_url: str) -> Report:
    """Puts what the events say in the model's place; readers and writers wait only for the last moment.

    Raises Conflict if another rebuild is running or the tables cannot be locked.
    """
    return await _run(service, model, owner_url, replace=True)


async def verify(service: Service[Any], owner_url: str) -> list[Report]:
    """Compares every read model of the service with its rebuild, and leaves it as it is."""
    return [await _run(service, model, owner_url, replace=False) for model in service.log.read_models]


def definition_of(table: sa.Table) -> list[str]:
    """The statements that create the table and its indexes where the search path points."""
    return _definition(table) + _search_indexes(table)


def _definition(table: sa.Table) -> list[str]:
    """The table, with the indexes a projection may need to find its rows."""
    needed = [index for index in table.indexes if not _is_for_search(index)]
    return [_sql(CreateTable(table)), *(_sql(CreateIndex(index)) for index in needed)]


def _search_indexes(table: sa.Table) -> list[str]:
    """Those that only queries need: much cheaper to build when the rows are there."""
    return [_sql(CreateIndex(index)) for index in table.indexes if _is_for_search(index)]


def _is_for_search(index: sa.Index) -> bool:
    return index.dialect_options["postgresql"]["using"] in ("gin", "gist")


def _sql(element: sa.DDLElement) -> str:
    return str(element.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]


async def _run(service: Service[Any], model: ReadModel, owner_url: str, *, replace: bool) -> Report:
    started = time.monotonic()
    con = await connect(owner_url, f"{service.name}_rebuild,{service.name}", synchronous_commit="off")
    try:
        shadow = _Shadow(con, service.name, model)
        await shadow.create()
        async with source_of(service, model, owner_url) as source:
            await shadow.fill(source.batches())
            await shadow.finish()
            tables = await shadow.conclude(source, replace=replace)
        await shadow.drop()
        return Report(model.name, source.events, time.monotonic() - started, tables)
    finally:
        await con.close()


class _Shadow:
    """A read model's tables in the rebuild schema; indexes and constraints are named as the live ones."""

    def __init__(self, con: asyncpg.Connection, live: str, model: ReadModel) -> None:
        self._con = con
        self._live = live
        self._own = f"{live}_rebuild"
        self._model = model

    async def create(self) -> None:
        key = f"{self._live}:rebuild"
        if not await self._con.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", key):
            raise Conflict(f"a read model of {self._live} is being rebuilt already", code="rebuild_running")
        await self.drop()
        for table in self._model.tables:
            for statement in _definition(table):
                await self._con.execute(statement)

    async def fill(self, batches: AsyncIterator[Events]) -> None:
        """Each batch is read and projected while PostgreSQL works on the one before."""
        async with aclosing(_ahead(self._planned(batches))) as planned:
            async for rounds in planned:
                async with self._con.transaction():
                    await changes.run(self._con, rounds)

    async def _planned(self, batches: AsyncIterator[Events]) -> AsyncIterator[list[Round]]:
        async for events in batches:
            yield changes.rounds(self._model.project, events)

    async def finish(self) -> None:
        """Ready to be queried the moment it is swapped in."""
        for table in self._model.tables:
            for index in _search_indexes(table):
                await self._con.execute(index)
            await self._con.execute(f'ANALYZE "{self._own}"."{table.name}"')

    async def conclude(self, source: Source, *, replace: bool) -> tuple[Comparison, ...]:
        """The moment others wait for: begun again where a lock is not to be had at once."""
        for attempt in range(LOCK_ATTEMPTS):
            try:
                async with self._con.transaction():
                    await self._lock("ACCESS EXCLUSIVE" if replace else "SHARE")
                    rest = changes.rounds(self._model.project, await source.rest())
                    await changes.run(self._con, rest)
                    tables = [await compare(self._con, t, self._live, self._own) for t in self._model.tables]
                    if replace:
                        await self._swap()
                    return tuple(tables)
            except asyncpg.LockNotAvailableError:
                await asyncio.sleep(0.05 * (attempt + 1))
        raise Conflict(f"the tables of {self._model.name} are too busy to be locked", code="busy")

    async def drop(self) -> None:
        await self._drop_from(self._own)

    async def _lock(self, mode: str) -> None:
        tables = ", ".join(f'"{self._live}"."{table.name}"' for table in self._model.tables)
        await self._con.execute(
            f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; LOCK TABLE {tables} IN {mode} MODE"
        )

    async def _swap(self) -> None:
        """Indexes, constraints and grants move with their table."""
        await self._drop_from(self._live)
        for table in self._model.tables:
            await self._con.execute(f'ALTER TABLE "{self._own}"."{table.name}" SET SCHEMA "{self._live}"')

    async def _drop_from(self, schema: str) -> None:
        for table in reversed(self._model.tables):
            await self._con.execute(f'DROP TABLE IF EXISTS "{schema}"."{table.name}"')


async def _ahead(items: AsyncIterator[T]) -> AsyncGenerator[T, None]:
    """The same items; the next one is already being made while the caller is busy with one."""
    following = asyncio.ensure_future(anext(items, None))
    try:
        while (item := await following) is not None:
            following = asyncio.ensure_future(anext(items, None))
            yield item
    finally:
        await end([following])

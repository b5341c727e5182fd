"""The events a read model is rebuilt of: from the service's own log, or from other services' streams."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Protocol

import asyncpg
from nats.js.errors import NotFoundError

from libs.common.bus import Bus
from libs.common.cloudevents import contracts_of
from libs.common.database import connect
from libs.common.errors import Conflict
from libs.common.event_log import COLUMNS, ReadModel, Recorded, Tail
from libs.common.projector import Position, advance, position_of, still_holds
from libs.common.relay import stream_name
from libs.common.service import Service
from libs.common.stream_reader import StreamReader, reading

Events = Sequence[Recorded[Any]]
BATCH = 2000
HOLE_SECONDS = 5.0


class Source(Protocol):
    @property
    def events(self) -> int:
        """How many have been read."""

    def batches(self) -> AsyncIterator[Events]:
        """What there is, read while the live tables are written to."""

    async def rest(self) -> Events:
        """What the live tables have beyond `batches`, when they are locked; the same and more if asked again."""


@asynccontextmanager
async def source_of(service: Service[Any], model: ReadModel, url: str) -> AsyncIterator[Source]:
    """Reads through a connection of its own, so that reading goes on while the rows are written.

    Raises Conflict if the model's source has no stream.
    """
    async with AsyncExitStack() as stack:
        con = await connect(url, service.name)
        stack.push_async_callback(con.close)
        if not model.sources:
            yield OwnLog(con, service)
            return
        streams = []
        for name in model.sources:
            try:
                reader = await stack.enter_async_context(reading(service.bus, stream_name(name)))
            except NotFoundError as error:
                raise Conflict(
                    f"{model.name} cannot be read: {name} has not published its stream yet", code="no_stream"
                ) from error
            streams.append(OneStream(con, service.bus, model, name, reader))
        yield Streams(streams)


class OwnLog:
    """An inline model's events.

    Whoever has written to the live tables ends before they are locked, and is seen; whoever has appended but
    not written to them yet will write to the new ones.
    """

    def __init__(self, con: asyncpg.Connection, service: Service[Any]) -> None:
        self.events = 0
        self._con = con
        self._service = service
        self._tail = Tail(0)

    async def batches(self) -> AsyncIterator[Events]:
        """Up to the end; an append that may still commit is waited for, but not for ever."""
        patience = time.monotonic() + HOLE_SECONDS
        while True:
            rows = await self._tail.read(self._con, BATCH)
            self.events += len(rows)
            yield await self._decode(rows)
            if self._tail.waiting and time.monotonic() < patience:
                await asyncio.sleep(0.005)
            elif len(rows) < BATCH:
                return

    async def rest(self) -> Events:
        query = f"SELECT {COLUMNS} FROM events WHERE pos > $1 ORDER BY pos"  # noqa: S608
        return await self._decode(await self._con.fetch(query, self._tail.pos))

    async def _decode(self, rows: Sequence[asyncpg.Record]) -> Events:
        return await self._service.log.decode_all(self._con, self._service.keys, rows)


class OneStream:
    """A source of a model across services, read exactly as far as the live tables: their position stays."""

    def __init__(
        self, con: asyncpg.Connection, bus: Bus, model: ReadModel, source: str, reader: StreamReader
    ) -> None:
        self.events = 0
        self._con = con
        self._bus = bus
        self._name = model.name
        self._source = source
        self._reader = reader
        self._contracts = contracts_of(source)
        self._reached = Position()
        self._rest: list[Recorded[Any]] = []

    async def batches(self) -> AsyncIterator[Events]:
        live = await position_of(self._con, self._name, self._source)
        if not await still_holds(self._bus, self._source, live):
            raise Conflict(
                f"{self._name} is about to be begun again: its source was published anew", code="moved"
            )
        while self._reached.seq < live.seq:
            yield await self._read(live.seq)

    async def rest(self) -> Events:
        live = await position_of(self._con, self._name, self._source)
        if live.seq < self._reached.seq:
            raise Conflict(f"{self._name} has been begun again meanwhile", code="moved")
        while self._reached.seq < live.seq:
            self._rest += await self._read(live.seq)
        return self._rest

    async def _read(self, goal: int) -> list[Recorded[Any]]:
        messages = await self._reader.batch(min(BATCH, goal - self._reached.seq))
        self._reached, events = advance(self._reached, messages, self._contracts)
        self.events += len(messages)
        return events


class Streams:
    """All sources of a model, one after the other: no row has events of two."""

    def __init__(self, streams: Sequence[OneStream]) -> None:
        self._streams = streams

    @property
    def events(self) -> int:
        return sum(stream.events for stream in self._streams)

    async def batches(self) -> AsyncIterator[Events]:
        for stream in self._streams:
            async for events in stream.batches():
                yield events

    async def rest(self) -> Events:
        return [event for stream in self._streams for event in await stream.rest()]

"""Keeps read models of other services' events: from JetStream, rows and position in one transaction."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from nats.aio.msg import Msg
from nats.js.errors import NotFoundError
from prometheus_client import Counter, Histogram

from libs.common import changes, cloudevents
from libs.common.bus import Bus
from libs.common.cloudevents import Contracts, contracts_of
from libs.common.event_log import ReadModel, Recorded
from libs.common.relay import stream_name
from libs.common.resilience import Interrupted, leading, persist
from libs.common.service import Service
from libs.common.stream_reader import reading

log = logging.getLogger(__name__)

OnApplied = Callable[[Sequence[Recorded[Any]]], None]

BATCH = 500
PATIENCE_SECONDS = 10.0

APPLIED = Counter("vitrine_projection_events", "Events applied to a read model", ["model", "source"])
DELAY = Histogram(
    "vitrine_projection_delay_seconds",
    "From an event's commit to its row; of each batch the first",
    ["model", "source"],
    buckets=(0.005, 0.01, 0.05, 0.25, 1, 5, 30),
)
RESETS = Counter(
    "vitrine_projection_resets", "Read models begun again on another stream", ["model", "source"]
)


class Position(NamedTuple):
    """The last message read: its sequence in the stream and its event; and the place of the last event applied."""

    seq: int = 0
    pos: int = 0
    event_id: UUID | None = None


def advance(
    position: Position, messages: Sequence[Msg], contracts: Contracts
) -> tuple[Position, list[Recorded[Any]]]:
    """The events of the next messages, each once though it may come in several versions: the first one known.

    The newest comes first, so it is the best one known, unless an older process stopped between the two.
    """
    events, applied = [], position.pos
    for message in messages:
        event = contracts.decode(message.data, message.headers)
        if event and event.pos > applied:
            events.append(event)
            applied = event.pos
    last = messages[-1]
    event_id = cloudevents.place_of(last.data).event_id
    return Position(last.metadata.sequence.stream, applied, event_id), events


class Feed:
    """One read model's share of one source."""

    def __init__(
        self, service: Service[Any], model: ReadModel, source: str, on_applied: OnApplied | None = None
    ) -> None:
        """`on_applied` hears of events whose rows are visible; it may be told twice, and must not wait."""
        self._service = service
        self._model = model
        self._source = source
        self._on_applied = on_applied
        self._contracts = contracts_of(source)
        self._labels = (model.name, source)

    async def run(self) -> None:
        """Until cancelled."""
        await persist(f"the projection {self._model.name} of {self._source}", self._lead)

    async def _lead(self) -> None:
        role = f"projector {self._model.name} {self._source}"
        async with leading(self._service.settings.database_url, self._service.name, role) as con:
            insert = "INSERT INTO projections (name, source) VALUES ($1, $2) ON CONFLICT DO NOTHING"
            await con.execute(insert, *self._labels)
            position = await position_of(con, *self._labels)
            await self._appearance()
            if not await still_holds(self._service.bus, self._source, position):
                return await self._begin_again(con)
            async with reading(self._service.bus, stream_name(self._source), after=position.seq) as reader:
                # noticed at once: a database that comes back may have been restored, its position an older one
                con.add_termination_listener(lambda _: reader.end("the database connection is gone"))
                while True:
                    position = await self._apply(con, position, await reader.batch(BATCH))

    async def _appearance(self) -> None:
        """Returns when the source's stream exists; on a first start the source may be the later one."""
        while True:
            try:
                await self._service.bus.js.stream_info(stream_name(self._source))
            except NotFoundError:
                await asyncio.sleep(0.5)
            else:
                return

    async def _apply(self, con: asyncpg.Connection, position: Position, messages: Sequence[Msg]) -> Position:
        """Rows and position in one transaction, fenced by the position: a rebuild may have replaced both."""
        reached, events = advance(position, messages, self._contracts)
        async with con.transaction():
            ours = await con.fetchval(
                "UPDATE projections SET seq = $3, pos = $4, event_id = $5, updated_at = now() "
                "WHERE name = $1 AND source = $2 AND seq = $6 RETURNING true",
                *self._labels,
                *reached,
                position.seq,
            )
            if not ours:
                raise Interrupted("the read model has been rebuilt")
            await changes.run(con, changes.rounds(self._model.project, events))
        self._report(events)
        return reached

    def _report(self, events: Sequence[Recorded[Any]]) -> None:
        APPLIED.labels(*self._labels).inc(len(events))
        if events:
            DELAY.labels(*self._labels).observe(max(0.0, time.time() - events[0].recorded_at.timestamp()))
            if self._on_applied:
                self._on_applied(events)

    async def _begin_again(self, con: asyncpg.Connection) -> None:
        """Empties the read model and forgets its positions: it has been filled from a log that is no more."""
        log.error(
            "%s is not the stream that %s has been filled from; the read model is begun again",
            stream_name(self._source),
            self._model.name,
        )
        RESETS.labels(*self._labels).inc()
        async with con.transaction():
            await con.execute(
                "UPDATE projections SET seq = 0, pos = 0, event_id = NULL WHERE name = $1", self._model.name
            )
            for table in reversed(self._model.tables):
                await con.execute(f'DELETE FROM "{table.name}"')  # noqa: S608


async def position_of(con: asyncpg.Connection, model: str, source: str) -> Position:
    row = await con.fetchrow(
        "SELECT seq, pos, event_id FROM projections WHERE name = $1 AND source = $2", model, source
    )
    return Position(**row) if row else Position()


async def still_holds(bus: Bus, source: str, position: Position) -> bool:
    """Whether the stream holds, at the position's sequence, the very event that was read there.

    It does unless its publisher's log was restored to an older state. A stream that was lost and is being
    published anew is given time to grow up to the position.
    """
    js, name = bus.js, stream_name(source)
    length, grown = -1, time.monotonic()
    while True:
        last = (await js.stream_info(name)).state.last_seq
        if last >= position.seq:
            break
        if last != length:
            length, grown = last, time.monotonic()
        if time.monotonic() - grown > PATIENCE_SECONDS:
            return False
        await asyncio.sleep(0.1)
    if position.seq == 0:
        return True
    try:
        message = await js.get_msg(name, position.seq)
    except NotFoundError:
        return False
    return cloudevents.place_of(message.data or b"").event_id == position.event_id

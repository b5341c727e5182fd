"""What waits to be published, projected, reacted to or worked on: for the workers' gauges and `vitrine status`.

PostgreSQL and NATS are asked, not whoever should do the work: one that is stuck cannot tell.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
from nats.js.errors import NotFoundError
from prometheus_client import Gauge

from libs.common.bus import Bus
from libs.common.cloudevents import place_of
from libs.common.database import Reader
from libs.common.dead_letters import count_dead_letters
from libs.common.event_log import ReadModel
from libs.common.reactions import Reaction
from libs.common.relay import stream_name
from libs.common.resilience import AWAY, persist
from libs.common.service import Service
from libs.common.sql import Bound

EVERY_SECONDS = 5.0

RELAY_EVENTS = Gauge(
    "vitrine_relay_lag_events", "Public events that are not published yet (counted up to 10,000)"
)
RELAY_SECONDS = Gauge("vitrine_relay_lag_seconds", "Age of the oldest public event that is not published yet")
PROJECTION_EVENTS = Gauge(
    "vitrine_projection_lag_events", "Events published and not applied yet", ["model", "source"]
)
PROJECTION_SECONDS = Gauge(
    "vitrine_projection_lag_seconds",
    "Age of the oldest event published and not applied yet",
    ["model", "source"],
)
REACTION_EVENTS = Gauge(
    "vitrine_reaction_lag_events", "Events published and not reacted to yet", ["reaction"]
)
DEAD_LETTERS = Gauge("vitrine_dead_letters", "Events put aside because their reaction failed for good")
WAITING = Gauge("vitrine_jobs_waiting", "Jobs that no worker has taken", ["kind"])
RUNNING = Gauge("vitrine_jobs_running", "Jobs that a worker holds", ["kind"])
OLDEST = Gauge("vitrine_jobs_oldest_seconds", "Since the oldest waiting job was accepted", ["kind"])

_UNPUBLISHED = """
SELECT count(*) AS events,
  coalesce(extract(epoch FROM clock_timestamp() - min(recorded_at)), 0)::float8 AS seconds
FROM (SELECT recorded_at FROM events WHERE pos > $1 AND public ORDER BY pos LIMIT 10000) AS waiting
"""
_POSITIONS = "SELECT name, source, seq FROM projections"
_JOBS = """
SELECT kind, count(*) FILTER (WHERE NOT running) AS waiting, count(*) FILTER (WHERE running) AS running,
  coalesce(extract(epoch FROM clock_timestamp() - min(queued_at) FILTER (WHERE NOT running)), 0)::float8 AS oldest
FROM (SELECT kind, queued_at, coalesce(lease_until > now(), false) AS running FROM job_queue) AS jobs
GROUP BY kind ORDER BY kind
"""


@dataclass(frozen=True, slots=True)
class Lag:
    """`seconds` is the age of the oldest of `events`."""

    events: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Queue:
    """The jobs of one kind; `oldest` is in seconds since the oldest waiting one was accepted."""

    kind: str
    waiting: int = 0
    running: int = 0
    oldest: float = 0.0


async def published_up_to(bus: Bus, service: str) -> int:
    """The pos of the last published event; 0 without any."""
    try:
        last = (await bus.js.stream_info(stream_name(service))).state.last_seq
        message = await bus.js.get_msg(stream_name(service), last) if last else None
    except NotFoundError:
        return 0
    return place_of(message.data or b"").pos if message else 0


async def unpublished(reader: Reader, published: int) -> Lag:
    """Public events behind the pos `published`, counted up to 10,000."""
    row: Any = await reader.fetchrow(Bound(_UNPUBLISHED, (published,)))
    return Lag(row["events"], row["seconds"])


async def unprojected(reader: Reader, bus: Bus, models: Iterable[ReadModel]) -> dict[tuple[str, str], Lag]:
    """By read model and source, for those that other services' events feed."""
    positions = {
        (row["name"], row["source"]): row["seq"] for row in await reader.fetch(Bound(_POSITIONS, ()))
    }
    fed = [(model.name, source) for model in models for source in model.sources]
    return {feed: await _behind(bus, feed[1], positions.get(feed, 0)) for feed in fed}


async def _behind(bus: Bus, source: str, seq: int) -> Lag:
    """How far the stream of `source` has got beyond the sequence `seq`."""
    stream = stream_name(source)
    try:
        last = (await bus.js.stream_info(stream)).state.last_seq
        next_one = await bus.js.get_msg(stream, seq + 1) if last > seq else None
    except NotFoundError:
        return Lag(0, 0.0)
    if next_one is None or next_one.time is None:
        return Lag(0, 0.0)
    return Lag(last - seq, (datetime.now(UTC) - next_one.time).total_seconds())


async def queues(reader: Reader) -> list[Queue]:
    """Of the kinds that have jobs now."""
    return [Queue(**row) for row in await reader.fetch(Bound(_JOBS, ()))]


class Backlog:
    """Keeps a worker's gauges true. Every replica tells the same, so they are compared, never added up."""

    def __init__(self, service: Service[Any], reactions: Sequence[Reaction], kinds: Sequence[str]) -> None:
        self._service = service
        self._reactions = reactions
        self._kinds = kinds
        self._published = 0

    async def run(self) -> None:
        """Until cancelled."""
        await persist("the measuring of what waits", self._measure)

    async def _measure(self) -> None:
        parts: list[Callable[[], Awaitable[None]]] = [self._relay, self._projections, self._jobs]
        parts += [self._dead_letters, self._pending] if self._reactions else []
        while True:
            for part in parts:
                with suppress(*AWAY, asyncpg.PostgresError):  # said by those who need the server
                    await part()
            await asyncio.sleep(EVERY_SECONDS)

    async def _relay(self) -> None:
        """While NATS is away, behind what was published before."""
        with suppress(*AWAY):
            self._published = await published_up_to(self._service.bus, self._service.name)
        lag = await unpublished(self._service.db, self._published)
        RELAY_EVENTS.set(lag.events)
        RELAY_SECONDS.set(lag.seconds)

    async def _projections(self) -> None:
        service = self._service
        for feed, lag in (await unprojected(service.db, service.bus, service.log.read_models)).items():
            PROJECTION_EVENTS.labels(*feed).set(lag.events)
            PROJECTION_SECONDS.labels(*feed).set(lag.seconds)

    async def _jobs(self) -> None:
        found = {queue.kind: queue for queue in await queues(self._service.db)} if self._kinds else {}
        for kind in self._kinds:
            queue = found.get(kind, Queue(kind))
            WAITING.labels(kind).set(queue.waiting)
            RUNNING.labels(kind).set(queue.running)
            OLDEST.labels(kind).set(queue.oldest)

    async def _dead_letters(self) -> None:
        DEAD_LETTERS.set(await count_dead_letters(self._service.bus, self._service.name))

    async def _pending(self) -> None:
        for reaction in self._reactions:
            stream = stream_name(reaction.source)
            info = await self._service.bus.js.consumer_info(stream, reaction.durable)
            REACTION_EVENTS.labels(reaction.durable).set(
                (info.num_pending or 0) + (info.num_ack_pending or 0)
            )

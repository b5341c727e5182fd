"""The log is the outbox: its public events are published to JetStream, each once and in the log's order.

What the stream holds is the truth about what was published, so there is nothing to remember that a crash
could forget; and JetStream can be lost: it is filled again from PostgreSQL.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Any

import asyncpg
import nats.errors
import orjson
from nats.aio.msg import Msg
from nats.js.api import DiscardPolicy, RawStreamMsg, StorageType, StoreCompression, StreamConfig, StreamInfo
from prometheus_client import Counter

from libs.common import cloudevents
from libs.common.bus import Bus
from libs.common.cloudevents import Message
from libs.common.event_log import COLUMNS, Tail
from libs.common.resilience import Interrupted, leading, persist
from libs.common.service import Service
from libs.common.telemetry import span

log = logging.getLogger(__name__)

BATCH = 200
POLL_SECONDS = 0.5
HOLE_SECONDS = 0.005
ACK_SECONDS = 10.0
CHECK_SECONDS = 2.0

PUBLISHED = Counter("vitrine_relay_published", "Events published")
RECREATED = Counter(
    "vitrine_relay_streams_recreated", "Streams that did not fit the log and were published anew"
)


class OutOfStep(Interrupted):
    """The stream's end is not where this relay left it: somebody else publishes, or a message was lost."""


def stream_name(service: str) -> str:
    return f"ev_{service}"


class EventStream:
    """The service's stream of public events, and its end as this relay knows it. Its owner declares it."""

    def __init__(self, bus: Bus, service: str, replicas: int) -> None:
        self.last_seq = 0
        self._bus = bus
        self.name = stream_name(service)
        self._config = StreamConfig(
            name=self.name,
            subjects=[f"vitrine.{service}.>"],
            storage=StorageType.FILE,
            discard=DiscardPolicy.NEW,
            deny_delete=True,
            # compressed blocks that a kill -9 cut off ("s2: corrupt input", NATS 2.15) took no message any more
            compression=StoreCompression.NONE,
            num_replicas=replicas,
            duplicate_window=120,
        )
        self._acks: asyncio.Future[None] | None = None
        self._reply = ""
        self._missing = 0

    async def declare(self) -> StreamInfo:
        info = await self._bus.declare_stream(self._config)
        self.last_seq = info.state.last_seq
        return info

    async def recreate(self) -> None:
        await self._bus.js.delete_stream(self.name)
        await self.declare()

    async def last_message(self) -> RawStreamMsg:
        return await self._bus.js.get_msg(self.name, self.last_seq)

    async def check(self) -> None:
        """Raises if the stream has been lost, purged, or written to by somebody else."""
        state = (await self._bus.js.stream_info(self.name)).state
        if not state.messages == state.last_seq == self.last_seq:
            raise OutOfStep(
                f"{self.name} holds {state.messages} messages up to {state.last_seq}, not {self.last_seq}"
            )

    async def publish(self, messages: Sequence[Message]) -> None:
        """All at once, then all acks. Each is fenced by the one before, so a lost one stops the rest."""
        nc = self._bus.nc
        self._acks = asyncio.get_running_loop().create_future()
        self._missing = len(messages)
        self._reply = nc.new_inbox()
        acks = await nc.subscribe(self._reply, cb=self._on_ack, pending_msgs_limit=-1)
        try:
            for offset, message in enumerate(messages):
                fence = {"Nats-Expected-Last-Sequence": str(self.last_seq + offset)}
                await nc.publish(message.subject, message.body, self._reply, headers=message.headers | fence)
            async with asyncio.timeout(ACK_SECONDS):
                await self._acks
        except TimeoutError as error:
            raise OutOfStep(f"{self._missing} of {len(messages)} messages are not acknowledged") from error
        finally:
            await acks.unsubscribe()
        self.last_seq += len(messages)
        PUBLISHED.inc(len(messages))

    async def _on_ack(self, ack: Msg) -> None:
        if self._acks is None or self._acks.done():
            return
        answer: dict[str, Any] = orjson.loads(ack.data) if ack.data else {"error": "no server has the stream"}
        if "error" in answer or answer.get("duplicate"):
            self._acks.set_exception(OutOfStep(str(answer)))
            return
        self._missing -= 1
        if not self._missing:
            self._acks.set_result(None)


class Relay:
    """One per service leads; it is woken after each commit and looks twice a second anyway."""

    def __init__(self, service: Service[Any]) -> None:
        self._service = service
        self._stream = EventStream(service.bus, service.name, service.settings.nats_replicas)
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        await self._service.bus.on_wake(self._service.name, self._wake.set)
        await persist("the relay", self._lead)

    async def _lead(self) -> None:
        """Leads until PostgreSQL is away; after trouble with NATS it looks again where the stream ends."""
        async with leading(self._service.settings.database_url, self._service.name, "relay") as con:
            while True:
                try:
                    await self._follow(con)
                except (nats.errors.Error, OutOfStep) as error:
                    log.warning("the relay is interrupted: %r", error)
                await asyncio.sleep(POLL_SECONDS)

    async def _follow(self, con: asyncpg.Connection) -> None:
        """Publishes the log from where the stream ends."""
        tail = Tail(await self._resume(con))
        checked = 0.0
        while True:
            self._wake.clear()
            before = tail.pos
            rows = await tail.read(con, BATCH)
            if public := [row for row in rows if row["public"]]:
                with ExitStack() as publishing:
                    await self._stream.publish([m for row in public for m in self._encode(row, publishing)])
            if time.monotonic() - checked > CHECK_SECONDS:
                await self._stream.check()
                checked = time.monotonic()
            if tail.pos - before < BATCH:
                with suppress(TimeoutError):
                    async with asyncio.timeout(HOLE_SECONDS if tail.waiting else POLL_SECONDS):
                        await self._wake.wait()

    async def _resume(self, con: asyncpg.Connection) -> int:
        """The pos up to which the stream holds the log; a stream that does not fit the log is begun anew."""
        state = (await self._stream.declare()).state
        if state.last_seq == 0:
            return 0
        misfit = "messages are missing from it"
        if state.messages == state.last_seq:
            last = await self._stream.last_message()
            place = cloudevents.place_of(last.data or b"")
            row = await con.fetchrow(f"SELECT {COLUMNS} FROM events WHERE pos = $1", place.pos)  # noqa: S608
            if row and row["event_id"] == place.event_id:
                await self._complete(row, last.subject)
                return place.pos
            misfit = (
                f"its last event {place.event_id} is unknown to the log: was an older PostgreSQL restored?"
            )
        log.error("stream %s does not fit the log: %s; it is published anew", self._stream.name, misfit)
        RECREATED.inc()
        await self._stream.recreate()
        return 0

    async def _complete(self, row: asyncpg.Record, last: str | None) -> None:
        """Publishes the versions of the event that a crash has cut off behind the one with the subject `last`."""
        with ExitStack() as publishing:
            messages = self._encode(row, publishing)
            subjects = [message.subject for message in messages]
            if last in subjects[:-1]:
                await self._stream.publish(messages[subjects.index(last) + 1 :])

    def _encode(self, row: asyncpg.Record, publishing: ExitStack) -> list[Message]:
        """The event as messages; where it belongs to a trace, with a span that lasts as long as `publishing`."""
        service = self._service
        messages = cloudevents.encode(service.name, row, service.log.types[row["type"]])
        if parent := row["meta"].get("traceparent"):
            step = publishing.enter_context(span(f"publish {row['type']}", "producer", parent))
            for message in messages:
                message.headers["traceparent"] = step.traceparent
        return messages

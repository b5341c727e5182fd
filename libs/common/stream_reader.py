"""Reads a stream in order, from any message on, at full speed; the server keeps no position for it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import nats.errors
import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from libs.common.bus import Bus
from libs.common.resilience import Interrupted

CREDIT = 500
REQUEST_SECONDS = 30
HEARTBEAT_SECONDS = 1
SILENCE_SECONDS = 3.0
FORGET_SECONDS = 60.0


class StreamReader:
    """An ordered ephemeral consumer, pulled by credit: messages flow without a round trip for each.

    nats-py's `fetch` asks once per batch and lingers for the batch to fill, which costs tens of milliseconds.
    """

    def __init__(self, nc: Client, stream: str, after: int = 0, *, gapless: bool = False) -> None:
        """`gapless` expects each message of the stream; otherwise only that none comes twice."""
        self._nc = nc
        self._stream = stream
        self._last = after
        self._gapless = gapless
        self._subject = ""
        self.inbox = nc.new_inbox()
        self._queue: asyncio.Queue[Msg] = asyncio.Queue()
        self._ended: Exception | None = None
        self._credit = 0
        self._expected = 1
        self._heard = time.monotonic()

    async def start(self, consumer: str) -> None:
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{consumer}"
        await self._ask()

    def end(self, reason: str) -> None:
        """Whoever waits for messages is told, by Interrupted, that they are of no use any more."""
        self._ended = Interrupted(reason)

    async def batch(self, limit: int = 500) -> list[Msg]:
        """The next messages, at least one, as soon as there are any.

        Raises Interrupted when one is missing or repeated, as by a replica that is not up to date, or when the
        consumer is gone: read again behind the last message.
        """
        messages = [await self._next()]
        while len(messages) < limit and not self._queue.empty():
            messages.append(self._queue.get_nowait())
        await self._ask()
        for message in messages:
            self._follow(message.metadata.sequence)
        return messages

    def _follow(self, place: Msg.Metadata.SequencePair) -> None:
        if place.consumer != self._expected:
            raise Interrupted(f"a message of {self._stream} was lost on its way")
        if place.stream <= self._last or (self._gapless and place.stream != self._last + 1):
            raise Interrupted(f"{self._stream} goes on with message {place.stream} after {self._last}")
        self._expected += 1
        self._last = place.stream

    async def _next(self) -> Msg:
        while True:
            if self._queue.empty() and self._ended:
                raise self._ended
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    return await self._queue.get()
            if time.monotonic() - self._heard > SILENCE_SECONDS:
                raise Interrupted(f"{self._stream} is silent")

    async def _ask(self) -> None:
        """Keeps between half of the credit and all of it with the server."""
        missing = CREDIT - self._credit - self._queue.qsize()
        if missing < CREDIT // 2:
            return
        self._credit += missing
        request = {
            "batch": missing,
            "expires": REQUEST_SECONDS * 1_000_000_000,
            "idle_heartbeat": HEARTBEAT_SECONDS * 1_000_000_000,
        }
        await self._nc.publish(self._subject, orjson.dumps(request), reply=self.inbox)

    async def on_message(self, message: Msg) -> None:
        self._heard = time.monotonic()
        status = (message.headers or {}).get("Status")
        if status is None:
            self._credit -= 1
            self._queue.put_nowait(message)
        elif status == "408":  # the request ended in time: what it had not delivered is ours to ask for again
            self._credit -= int((message.headers or {}).get("Nats-Pending-Messages", 0))
            await self._ask()
        elif status != "100":
            self._ended = Interrupted(
                f"{self._stream}: {status} {(message.headers or {}).get('Description', '')}"
            )


@asynccontextmanager
async def reading(
    bus: Bus, stream: str, after: int = 0, subject: str | None = None
) -> AsyncIterator[StreamReader]:
    """Reads `stream` from the message behind sequence `after`; `subject` (with wildcards) narrows it.

    Raises nats.js.errors.NotFoundError if there is no such stream.
    """
    nc = bus.nc
    reader = StreamReader(nc, stream, after, gapless=subject is None)
    inbox = await nc.subscribe(
        reader.inbox, cb=reader.on_message, pending_msgs_limit=-1, pending_bytes_limit=-1
    )
    consumer = None
    try:
        consumer = await bus.js.add_consumer(
            stream,
            ConsumerConfig(
                ack_policy=AckPolicy.NONE,
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=after + 1,
                filter_subject=subject,
                inactive_threshold=FORGET_SECONDS,
                mem_storage=True,
                num_replicas=1,
            ),
        )
        await reader.start(consumer.name)
        yield reader
    finally:
        with suppress(nats.errors.Error):
            await inbox.unsubscribe()
            if consumer and bus.connected:
                await bus.js.delete_consumer(stream, consumer.name)

"""Reactions: what a service does when another service's event arrives. Short work; long work is a job.

Delivered at least once, done once: the inbox row is written in the effect's transaction, and kept for good,
as a restored stream delivers everything again. What fails is tried again later and later, and in the end put
aside as a dead letter.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import nats.errors
from faststream import AckPolicy, BaseMiddleware
from faststream.exceptions import NackMessage, RejectMessage
from faststream.message import StreamMessage
from faststream.nats import JStream, NatsBroker, NatsMessage, PullSub
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy as ConsumerAckPolicy
from nats.js.api import ConsumerConfig, ConsumerInfo
from nats.js.errors import NotFoundError
from prometheus_client import Counter

from libs.common.bus import PING_SECONDS, inbox_of, servers_of
from libs.common.cloudevents import Contracts, place_of
from libs.common.contracts import PublicEvent
from libs.common.database import Transaction
from libs.common.dead_letters import DeadLetters
from libs.common.errors import Conflict, NotFound
from libs.common.event_log import Recorded
from libs.common.messages import Meta
from libs.common.relay import stream_name
from libs.common.resilience import AWAY, persist
from libs.common.service import Service
from libs.common.sql import Bound
from libs.common.telemetry import current_traceparent, span

E = TypeVar("E", bound=PublicEvent)
Handler = Callable[[Recorded[E], Transaction, Service[Any]], Awaitable[None]]

log = logging.getLogger(__name__)

DELAYS = (1.0, 5.0, 15.0, 60.0, 300.0)
OUTAGE_DELAY = 5.0
ACK_SECONDS = 60
CHECK_SECONDS = 1.0
COMPARE_SECONDS = 30.0
DRAIN_SECONDS = 10.0
_SEEN = "SELECT true FROM inbox WHERE consumer = $1 AND event_id = $2"
_DONE = "INSERT INTO inbox (consumer, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true"
REACTIONS = Counter("vitrine_reactions", "Deliveries by outcome", ["reaction", "outcome"])


@dataclass(frozen=True, slots=True)
class Reaction:
    """`durable` names its place in the stream and in the inbox: it must never change."""

    event: type[PublicEvent]
    durable: str
    handle: Handler[Any]
    delays: Sequence[float] = DELAYS
    """Seconds before each further attempt; after the last one the event becomes a dead letter."""

    @property
    def source(self) -> str:
        return self.event.event_name.split(".")[0]


def reaction(
    event: type[E], durable: str, delays: Sequence[float] = DELAYS
) -> Callable[[Handler[E]], Reaction]:
    """Makes `async def handler(event, tx, service)` a reaction; `durable` is `<service>_<slice>`.

    The transaction begins with the handler's first statement, so it may ask another service or read an object
    before that; it must not commit it itself.
    """
    return lambda handle: Reaction(event, durable, handle, delays)


class Reactor:
    """Delivers one reaction's events to it."""

    def __init__(self, service: Service[Any], reaction: Reaction) -> None:
        self._service = service
        self._reaction = reaction
        self._stream = stream_name(reaction.source)
        self._contracts = Contracts([reaction.event])
        self._subjects = self._contracts.subjects
        self._dead_letters = DeadLetters(service.bus, service.name)

    async def run(self) -> None:
        """Until cancelled; then what is under way may end."""
        await persist(f"the reaction {self._reaction.durable}", self._session)

    async def _session(self) -> None:
        await self._dead_letters.declare(self._service.settings.nats_replicas)
        await self._declare()
        broker = self._broker()
        connection = await broker.connect()
        try:
            await broker.start()
            await self._until_gone(connection)
        finally:
            with suppress(nats.errors.Error):
                await broker.stop()
            if not connection.is_closed:
                await connection.close()

    async def _until_gone(self, connection: Client) -> None:
        """Until there is no consumer any more, as when its stream is published anew: then it is made again."""
        js, durable, compared = self._service.bus.js, self._reaction.durable, -COMPARE_SECONDS
        while not connection.is_closed:
            try:
                info = await js.consumer_info(self._stream, durable)
                if not self._delivers_all(info):
                    await self._declare()
                if time.monotonic() - compared > COMPARE_SECONDS:
                    compared = time.monotonic()
                    if await self._was_forgotten(info):
                        log.error(
                            "%s does not know what it has done: was an older PostgreSQL restored?", durable
                        )
                        await js.delete_consumer(self._stream, durable)
            except NotFoundError:
                log.warning("the consumer %s is gone", durable)
                return
            except AWAY:
                pass  # it comes back, and the connection to NATS by itself
            await asyncio.sleep(CHECK_SECONDS)

    def _delivers_all(self, info: ConsumerInfo) -> bool:
        """Whether the durable is not that of an older release, started after this one, that knows fewer versions."""
        config = info.config or ConsumerConfig()
        return set(self._subjects) <= {config.filter_subject, *(config.filter_subjects or [])}

    async def _was_forgotten(self, info: ConsumerInfo) -> bool:
        """Whether the inbox lacks what was acknowledged last: then all is delivered again, and the inbox tells."""
        done = info.ack_floor.stream_seq if info.ack_floor else 0
        if not done:
            return False
        message = await self._service.bus.js.get_msg(self._stream, done)
        if message.subject not in self._subjects:
            return False
        durable, event_id = self._reaction.durable, place_of(message.data or b"").event_id
        if await self._service.db.fetchval(Bound(_SEEN, (durable, event_id))):
            return False
        put_aside = await self._dead_letters.all()
        return not any((letter.durable, letter.event_id) == (durable, event_id) for letter in put_aside)

    async def _declare(self) -> None:
        """The durable with today's settings: FastStream leaves one that exists as it is."""
        config = ConsumerConfig(
            name=self._reaction.durable,
            durable_name=self._reaction.durable,
            filter_subjects=self._subjects,
            ack_policy=ConsumerAckPolicy.EXPLICIT,
            ack_wait=ACK_SECONDS,
            max_deliver=-1,  # Retry counts: the server would silently deliver no more, and nobody would know
        )
        await self._service.bus.js.add_consumer(self._stream, config)

    def _broker(self) -> NatsBroker:
        inbox = inbox_of(self._service.settings.nats_url)
        broker = NatsBroker(
            servers_of(self._service.settings.nats_url),
            name=self._reaction.durable,
            inbox_prefix=inbox,
            max_reconnect_attempts=-1,
            ping_interval=PING_SECONDS,
            middlewares=[partial(Retry, reaction=self._reaction, dead_letters=self._dead_letters)],
            graceful_timeout=DRAIN_SECONDS,
            apply_types=False,
            decoder=_undecoded,
            logger=log,
            log_level=logging.DEBUG,
        )
        subscriber = broker.subscriber(
            self._subjects[0],  # which are delivered is the durable's matter
            durable=self._reaction.durable,
            stream=JStream(self._stream, declare=False),
            pull_sub=PullSub(batch_size=1),
            inbox_prefix=f"{inbox}.".encode(),
            ack_policy=AckPolicy.NACK_ON_ERROR,
            no_reply=True,
        )
        subscriber(self._consume)
        return broker

    async def _consume(self, message: NatsMessage) -> None:
        await self.react(message.body, message.raw_message.headers or {})

    async def react(self, body: bytes, headers: dict[str, str]) -> None:
        """Handles the event unless that has been done, be it in another of its versions."""
        durable = self._reaction.durable
        if await self._service.db.fetchval(Bound(_SEEN, (durable, place_of(body).event_id))):
            REACTIONS.labels(durable, "repeated").inc()
            return
        event = self._contracts.decode(body, headers)
        if event is None:
            raise LookupError(f"{durable} does not know this event, or this version of it")
        with span(f"react {durable}", kind="consumer", parent=event.meta.traceparent) as reacting:
            reacting.log_fields = {"request_id": event.meta.correlation_id, "event_id": str(event.event_id)}
            await self._handle(event)

    async def _handle(self, event: Recorded[Any]) -> None:
        durable = self._reaction.durable
        meta = Meta(event.meta.correlation_id, str(event.event_id), traceparent=current_traceparent())
        with suppress(_Overtaken):
            async with self._service.transaction(meta) as tx:
                await self._reaction.handle(event, tx, self._service)
                if not await tx.fetchval(Bound(_DONE, (durable, event.event_id))):
                    raise _Overtaken
        REACTIONS.labels(durable, "done").inc()


class _Overtaken(Exception):
    """The same event was handled at the same time elsewhere: this effect is rolled back."""


class Retry(BaseMiddleware):
    """Decides what becomes of a delivery that failed."""

    def __init__(self, msg: Any, /, *, context: Any, reaction: Reaction, dead_letters: DeadLetters) -> None:
        super().__init__(msg, context=context)
        self._reaction = reaction
        self._dead_letters = dead_letters

    async def consume_scope(
        self, call_next: Callable[[StreamMessage[Msg]], Awaitable[Any]], msg: StreamMessage[Msg]
    ) -> Any:
        try:
            return await call_next(msg)
        except AWAY as error:
            raise self._again(OUTAGE_DELAY, error) from error
        except Exception as error:
            failures = msg.raw_message.metadata.num_delivered or 1
            if failures <= len(self._reaction.delays):
                raise self._again(self._reaction.delays[failures - 1], error) from error
            await self._put_aside(msg.raw_message, error)
            raise RejectMessage from error

    def _again(self, delay: float, error: Exception) -> NackMessage:
        log.warning("reaction %s, again in %s s: %r", self._reaction.durable, delay, error)
        REACTIONS.labels(self._reaction.durable, "retried").inc()
        return NackMessage(delay=delay)

    async def _put_aside(self, message: Msg, error: Exception) -> None:
        log.error("reaction %s failed for good", self._reaction.durable, exc_info=error)
        REACTIONS.labels(self._reaction.durable, "dead").inc()
        try:
            await self._dead_letters.put(self._reaction.durable, message, error)
        except AWAY as away:
            raise self._again(OUTAGE_DELAY, away) from away


async def _undecoded(message: StreamMessage[Msg]) -> StreamMessage[Msg]:
    return message


async def answer_replays(service: Service[Any], reactions: Sequence[Reaction]) -> None:
    """Answers `replay_dead_letter` {seq}: tries it once more, and removes it if that succeeds."""
    letters = DeadLetters(service.bus, service.name)
    reactors = {reaction.durable: Reactor(service, reaction) for reaction in reactions}

    async def replay(question: dict[str, Any]) -> dict[str, Any]:
        letter = await letters.get(question["seq"])
        reactor = reactors.get(letter.durable)
        if reactor is None:
            raise NotFound(f"there is no reaction {letter.durable} any more", code="reaction_not_found")
        try:
            await reactor.react(letter.body, letter.headers)
        except Exception as error:
            raise Conflict(f"it failed again: {error!r}", code="failed_again") from error
        await letters.remove(letter.seq)
        return {"durable": letter.durable, "event_id": str(letter.event_id)}

    await service.bus.answer(service.name, "replay_dead_letter", replay)

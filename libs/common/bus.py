"""The connection to NATS: wake-ups and notices, which may get lost; questions, which may go unanswered."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import nats.errors
import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import StreamConfig, StreamInfo
from nats.js.client import JetStreamContext
from nats.js.errors import BadRequestError

from libs.common.errors import BY_STATUS, DomainError, Unavailable
from libs.common.resilience import persist
from libs.common.telemetry import span

log = logging.getLogger(__name__)

FIRST_WAIT = 2.0
REPLY_SECONDS = 2
PING_SECONDS = 5
"""A server that has vanished closes nothing: after two unanswered pings the client looks for another one."""
REQUEST_ID = "X-Request-Id"
Question = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
OnMessage = Callable[[Msg], Awaitable[None]]


def servers_of(url: str) -> list[str]:
    """NATS_URL names one server or, by comma, several of a cluster; each with the user and its password."""
    return url.split(",")


def inbox_of(url: str) -> str:
    """Where answers to this URL's user arrive: the server lets no other user listen there."""
    return f"_INBOX.{urlsplit(servers_of(url)[0]).username}"


class Listener:
    """A subscription that outlives its connection."""

    def __init__(self, subject: str, queue: str, on_message: OnMessage) -> None:
        self.subject = subject
        self.queue = queue
        self.on_message = on_message
        self._subscription: Subscription | None = None

    async def attach(self, nc: Client) -> None:
        self._subscription = await nc.subscribe(self.subject, queue=self.queue, cb=self.on_message)

    async def drain(self) -> None:
        """Nothing new arrives when this returns; what has arrived is handled."""
        if self._subscription:
            with suppress(nats.errors.Error, OSError):
                await self._subscription.drain()  # type: ignore[no-untyped-call]

    async def detach(self) -> None:
        if self._subscription:
            with suppress(nats.errors.Error):
                await self._subscription.unsubscribe()


class Bus:
    """Stays connected while it is open, whatever happens to the server; no request waits for that."""

    def __init__(self, url: str, name: str) -> None:
        self.nc = Client()
        self._url = url
        self._name = name
        self._listeners: list[Listener] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._link: asyncio.Task[None] | None = None
        self._open = asyncio.Event()
        self._closing = False

    @classmethod
    async def connect(cls, url: str, name: str) -> "Bus":
        """Returns after two seconds at the latest; a server that is down is connected to when it is back."""
        bus = cls(url, name)
        bus._link = asyncio.create_task(persist("the connection to NATS", bus._connection))
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_WAIT):
                await bus._open.wait()
        return bus

    @property
    def connected(self) -> bool:
        """And every listener attached."""
        return self._open.is_set() and self.nc.is_connected

    @property
    def js(self) -> JetStreamContext:
        return self.nc.jetstream(timeout=REPLY_SECONDS)

    async def declare_stream(self, config: StreamConfig) -> StreamInfo:
        """Creates the stream or brings its settings up to date; only a stream's owner does that."""
        try:
            return await self.js.add_stream(config)
        except BadRequestError:  # it exists with other settings
            return await self.js.update_stream(config)

    def wake(self, name: str) -> None:
        """Tells whoever waits on `name` that there is something to do."""
        self._send(f"wake.{name}", b"")

    async def on_wake(self, name: str, callback: Callable[[], None]) -> Listener:
        async def woken(_: Msg) -> None:
            callback()

        return await self._listen(f"wake.{name}", "", woken)

    def notify(self, topic: str, notice: dict[str, Any]) -> None:
        """Tells whoever listens now; `topic` begins with the sender's own name."""
        self._send(f"notify.{topic}", orjson.dumps(notice))

    async def on_notice(self, topic: str, callback: Callable[[dict[str, Any]], None]) -> Listener:
        """`topic` may hold wildcards; the listener ends with `ignore`."""

        async def noticed(msg: Msg) -> None:
            callback(orjson.loads(msg.data))

        return await self._listen(f"notify.{topic}", "", noticed)

    async def ignore(self, listener: Listener) -> None:
        self._listeners.remove(listener)
        await listener.detach()

    async def ask(
        self, service: str, question: str, payload: dict[str, Any], seconds: float = REPLY_SECONDS
    ) -> dict[str, Any]:
        """Another service's answer. Raises the refusal it answers with, or Unavailable without one."""
        if not self.connected:
            raise Unavailable(f"{service} cannot be asked now", retry_after=1)
        with span(f"ask {service}.{question}", kind="client") as asking:
            headers = {"traceparent": asking.traceparent}
            if request_id := asking.log_fields.get("request_id"):
                headers[REQUEST_ID] = request_id
            try:
                reply = await self.nc.request(
                    f"rpc.{service}.{question}", orjson.dumps(payload), seconds, headers=headers
                )
            except (nats.errors.Error, OSError) as error:
                raise Unavailable(f"{service} does not answer", retry_after=1) from error
        answer: dict[str, Any] = orjson.loads(reply.data)
        if "error" in answer:
            raise _refusal(**answer["error"])
        return answer

    async def answer(self, service: str, question: str, handler: Question) -> None:
        """Answers in turn with the service's other processes; a raised DomainError is an answer too."""

        async def asked(msg: Msg) -> None:
            self._spawn(_reply(msg, question, handler))

        await self._listen(f"rpc.{service}.{question}", service, asked)

    async def close(self) -> None:
        """What was asked is answered, and what was sent has left, when this returns, if there is a connection."""
        self._closing = True
        if self.connected:
            with suppress(TimeoutError):
                async with asyncio.timeout(REPLY_SECONDS):
                    await asyncio.gather(*(listener.drain() for listener in self._listeners))
        if self._link:
            self._link.cancel()
            await asyncio.wait([self._link])
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=REPLY_SECONDS)
        for task in self._tasks:
            task.cancel()
        if self.connected:
            with suppress(nats.errors.Error, OSError):
                await self.flush()
        if not self.nc.is_closed:
            await self.nc.close()

    async def flush(self) -> None:
        """What was sent and subscribed to has reached the server when this returns.

        nats-py's own PING overtakes what is still in its buffer; the second one comes behind that.
        """
        for _ in range(2):
            await self.nc.flush(REPLY_SECONDS)

    async def _connection(self) -> None:
        """nats-py reconnects by itself, but on some errors of the server it gives up for good: then this ends."""
        closed = asyncio.Event()

        async def on_closed() -> None:
            closed.set()

        async def on_lost() -> None:
            if not self._closing:
                log.warning("NATS is gone")

        async def on_back() -> None:
            log.info("NATS is back")

        self._open.clear()
        self.nc = Client()
        await self.nc.connect(
            servers_of(self._url),
            name=self._name,
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            ping_interval=PING_SECONDS,
            connect_timeout=2,
            pending_size=32 << 20,
            inbox_prefix=inbox_of(self._url),
            error_cb=_on_error,
            disconnected_cb=on_lost,
            reconnected_cb=on_back,
            closed_cb=on_closed,
        )
        for listener in self._listeners:
            await listener.attach(self.nc)
        self._open.set()
        await closed.wait()

    async def _listen(self, subject: str, queue: str, on_message: OnMessage) -> Listener:
        listener = Listener(subject, queue, on_message)
        self._listeners.append(listener)
        if self._open.is_set() and not self.nc.is_closed:
            await listener.attach(self.nc)
        return listener

    def _send(self, subject: str, payload: bytes) -> None:
        if self.connected:
            self._spawn(self.nc.publish(subject, payload))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.warning("a message could not be sent: %r", error)


async def _on_error(error: Exception) -> None:
    if not isinstance(error, OSError):  # those of a server that is away are reported once, when it goes
        log.warning("NATS: %r", error)


async def _reply(msg: Msg, question: str, handler: Question) -> None:
    headers = msg.headers or {}
    with span(f"answer {question}", kind="server", parent=headers.get("traceparent")) as answering:
        answering.log_fields = {"request_id": headers.get(REQUEST_ID)}
        try:
            answer = await handler(orjson.loads(msg.data))
        except DomainError as refusal:
            answer = {"error": _as_json(refusal)}
        except Exception:
            log.exception("%s could not be answered", msg.subject)
            answer = {"error": _as_json(Unavailable("the question could not be answered", retry_after=1))}
    await msg.respond(orjson.dumps(answer, default=str))


def _as_json(refusal: DomainError) -> dict[str, Any]:
    return {
        "status": refusal.status,
        "detail": refusal.detail,
        "code": refusal.code,
        "errors": refusal.errors,
        "retry_after": refusal.retry_after,
    }


def _refusal(status: int, detail: str, **rest: Any) -> DomainError:
    return BY_STATUS[status](detail, **rest)

"""Events whose reaction failed for good, put aside in the stream `dead_<service>` to be tried again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from nats.aio.msg import Msg
from nats.js.api import RawStreamMsg, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from libs.common.bus import Bus
from libs.common.cloudevents import place_of
from libs.common.errors import NotFound

DURABLE, SUBJECT, ERROR = "Vitrine-Reaction", "Vitrine-Subject", "Vitrine-Error"
ERROR_LENGTH = 500


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`seq` identifies it within its service."""

    seq: int
    durable: str
    subject: str
    event_id: UUID
    error: str
    at: datetime | None
    body: bytes
    headers: dict[str, str]


class DeadLetters:
    def __init__(self, bus: Bus, service: str) -> None:
        self._bus = bus
        self._service = service
        self._stream = _stream_name(service)

    async def declare(self, replicas: int) -> None:
        subjects = [f"dead.{self._service}.>"]
        await self._bus.declare_stream(
            StreamConfig(self._stream, subjects=subjects, storage=StorageType.FILE, num_replicas=replicas)
        )

    async def put(self, durable: str, message: Msg, error: Exception) -> None:
        """Returns when it is stored; the same event of the same reaction is stored once in two minutes."""
        sequence = message.metadata.sequence.stream
        await self._bus.js.publish(
            f"dead.{self._service}.{durable}",
            message.data,
            headers={
                **(message.headers or {}),
                "Nats-Msg-Id": f"{durable}:{sequence}",
                DURABLE: durable,
                SUBJECT: message.subject,
                ERROR: repr(error)[:ERROR_LENGTH],
            },
        )

    async def all(self) -> list[DeadLetter]:
        """The oldest first."""
        found, seq = [], 1
        while letter := await self._first_from(seq):
            found.append(letter)
            seq = letter.seq + 1
        return found

    async def get(self, seq: int) -> DeadLetter:
        letter = await self._first_from(seq)
        if letter is None or letter.seq != seq:
            raise NotFound(f"{self._service} has no dead letter {seq}", code="dead_letter_not_found")
        return letter

    async def remove(self, seq: int) -> None:
        await self._bus.js.delete_msg(self._stream, seq)

    async def _first_from(self, seq: int) -> DeadLetter | None:
        try:
            raw = await self._bus.js.get_msg(self._stream, seq, f"dead.{self._service}.>", next=True)
        except NotFoundError:
            return None
        return _letter(raw)


def _letter(raw: RawStreamMsg) -> DeadLetter:
    headers, body = dict(raw.headers or {}), raw.data or b""
    return DeadLetter(
        seq=raw.seq or 0,
        durable=headers[DURABLE],
        subject=headers[SUBJECT],
        event_id=place_of(body).event_id,
        error=headers[ERROR],
        at=raw.time,
        body=body,
        headers=headers,
    )


async def count_dead_letters(bus: Bus, service: str) -> int:
    try:
        return (await bus.js.stream_info(_stream_name(service))).state.messages
    except NotFoundError:  # none was ever put aside
        return 0


def _stream_name(service: str) -> str:
    return f"dead_{service}"


async def replay(bus: Bus, service: str, seq: int) -> dict[str, Any]:
    """Asks the service's worker to try a dead letter once more; raises what it fails with."""
    return await bus.ask(service, "replay_dead_letter", {"seq": seq}, seconds=30)

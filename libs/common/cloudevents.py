"""How a public event travels: CloudEvents 1.0 as JSON (structured mode), under its type as the subject."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from libs.common.contracts import PublicEvent
from libs.common.event_log import Recorded
from libs.common.messages import Data, Event, Meta
from libs.common.privacy import is_sealed

CONTENT_TYPE = "application/cloudevents+json"


class Message(NamedTuple):
    subject: str
    headers: dict[str, str]
    body: bytes


def subject_of(event_name: str, version: int) -> str:
    return f"vitrine.{event_name}.v{version}"


def encode(service: str, row: asyncpg.Record, kind: type[Event]) -> list[Message]:
    """A row of the log in the version it was stored in; behind it, the older versions that its contract promises.

    Personal fields stay, also those of an older version. Raises Unavailable for a row of a newer version than `kind`.
    """
    personal = kind.personal_fields()
    public = {n: value for n, value in row["data"].items() if n not in personal and not is_sealed(value)}
    stored, newest = row["schema_ver"], kind.upcast(public, row["schema_ver"])
    older = [version for version in sorted(kind.also_as, reverse=True) if version < stored]
    return [
        _message(service, row, stored, public),
        *(_message(service, row, version, kind.also_as[version](newest)) for version in older),
    ]


def _message(service: str, row: asyncpg.Record, version: int, data: Data) -> Message:
    """The versions of an event share its id, but for the server they are messages of their own."""
    meta, subject = row["meta"], subject_of(row["type"], version)
    envelope = {
        "specversion": "1.0",
        "id": str(row["event_id"]),
        "source": f"/vitrine/{service}",
        "type": subject,
        "subject": str(row["stream_id"]),
        "time": row["recorded_at"],
        "datacontenttype": "application/json",
        "sequence": f"{row['pos']:020d}",
        "streamtype": row["stream_type"],
        "streamversion": row["version"],
        "correlationid": meta["correlation_id"],
        "data": data,
    }
    if "causation_id" in meta:
        envelope["causationid"] = meta["causation_id"]
    message_id = row["event_id"] if version == row["schema_ver"] else f"{row['event_id']}.v{version}"
    headers = {"Nats-Msg-Id": str(message_id), "content-type": CONTENT_TYPE}
    if "traceparent" in meta:
        headers["traceparent"] = meta["traceparent"]
    return Message(subject, headers, orjson.dumps(envelope))


class Contracts:
    """The public events of one publisher, by the subject they are published under; older versions are read as well."""

    def __init__(self, types: Iterable[type[Event]]) -> None:
        self.types = {subject_of(kind.event_name, kind.schema_version): kind for kind in types}
        self._readable = {
            subject_of(kind.event_name, version): (kind, version)
            for kind in self.types.values()
            for version in (kind.schema_version, *kind.upcasts)
        }

    @property
    def subjects(self) -> list[str]:
        """Of everything that `decode` knows."""
        return list(self._readable)

    def decode(self, body: bytes, headers: Mapping[str, str] | None = None) -> Recorded[Any] | None:
        """`None` for an event this process does not know (yet, or any more); unknown fields are ignored."""
        envelope = orjson.loads(body)
        if envelope["type"] not in self._readable:
            return None
        kind, version = self._readable[envelope["type"]]
        return Recorded(
            pos=int(envelope["sequence"]),
            event_id=UUID(envelope["id"]),
            stream_id=UUID(envelope["subject"]),
            stream_type=envelope["streamtype"],
            version=envelope["streamversion"],
            recorded_at=datetime.fromisoformat(envelope["time"]),
            event=kind.model_validate(kind.upcast(envelope["data"], version)),
            meta=Meta(
                envelope["correlationid"],
                envelope.get("causationid"),
                traceparent=(headers or {}).get("traceparent"),
            ),
        )


class Place(NamedTuple):
    """Where an event stands in its publisher's log."""

    pos: int
    event_id: UUID


def place_of(body: bytes) -> Place:
    envelope = orjson.loads(body)
    return Place(int(envelope["sequence"]), UUID(envelope["id"]))


@cache
def contracts_of(service: str) -> Contracts:
    """What `libs.common.contracts.<service>` declares."""
    module = import_module(f"libs.common.contracts.{service}")
    declared = [
        kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, PublicEvent)
    ]
    return Contracts(kind for kind in declared if getattr(kind, "event_name", "").startswith(f"{service}."))

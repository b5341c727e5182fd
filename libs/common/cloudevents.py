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
from libs.common.messages import Event, Meta

CONTENT_TYPE = "application/cloudevents+json"


class Message(NamedTuple):
    subject: str
    headers: dict[str, str]
    body: bytes


def subject_of(event_name: str, version: int) -> str:
    return f"vitrine.{event_name}.v{version}"


def encode(service: str, row: asyncpg.Record, personal: Iterable[str] = ()) -> Message:
    """A row of the log as it was stored, in the version it was stored in, without its personal fields."""
    meta = row["meta"]
    envelope = {
        "specversion": "1.0",
        "id": str(row["event_id"]),
        "source": f"/vitrine/{service}",
        "type": subject_of(row["type"], row["schema_ver"]),
        "subject": str(row["stream_id"]),
        "time": row["recorded_at"],
        "datacontenttype": "application/json",
        "sequence": f"{row['pos']:020d}",
        "streamtype": row["stream_type"],
        "streamversion": row["version"],
        "correlationid": meta["correlation_id"],
        "data": {name: value for name, value in row["data"].items() if name not in personal},
    }
    if "causation_id" in meta:
        envelope["causationid"] = meta["causation_id"]
    headers = {"Nats-Msg-Id": str(row["event_id"]), "content-type": CONTENT_TYPE}
    if "traceparent" in meta:
        headers["traceparent"] = meta["traceparent"]
    return Message(subject_of(row["type"], row["schema_ver"]), headers, orjson.dumps(envelope))


class Contracts:
    """The public events of one publisher, by the subject they are published under."""

    def __init__(self, types: Iterable[type[Event]]) -> None:
        self.types = {subject_of(kind.event_name, kind.schema_version): kind for kind in types}

    def decode(self, body: bytes, headers: Mapping[str, str] | None = None) -> Recorded[Any] | None:
        """`None` for an event this process does not know (yet, or any more); unknown fields are ignored."""
        envelope = orjson.loads(body)
        kind = self.types.get(envelope["type"])
        if kind is None:
            return None
        return Recorded(
            pos=int(envelope["sequence"]),
            event_id=UUID(envelope["id"]),
            stream_id=UUID(envelope["subject"]),
            stream_type=envelope["streamtype"],
            version=envelope["streamversion"],
            recorded_at=datetime.fromisoformat(envelope["time"]),
            event=kind.model_validate(envelope["data"]),
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

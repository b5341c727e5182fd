"""The event log: what a service knows. One table, appended by one function, read gap-safely by `Tail`."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import asyncpg
import orjson
import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from uuid_utils.compat import uuid7

from libs.common import privacy
from libs.common.errors import TooLarge
from libs.common.messages import Event, Meta
from libs.common.privacy import KeyRing
from libs.common.sql import Bound, Json

E = TypeVar("E", bound=Event, covariant=True)

COLUMNS = "pos, stream_id, version, stream_type, type, schema_ver, event_id, recorded_at, public, data, meta"
_APPEND = "SELECT pos, version, recorded_at FROM append($1, $2, $3, $4, $5)"
_LOAD = f"SELECT {COLUMNS} FROM events WHERE stream_id = $1 AND version <= $2 ORDER BY version"  # noqa: S608
_NEWEST = 2**31 - 1
MOST_TOLD = 900_000
"""Bytes of a public event as JSON: NATS takes messages of 1 MiB, and one it refused would hold up all behind it."""


class EventTooLarge(TooLarge):
    """A public event that nobody could be told of. Nothing of the append is stored."""

    default_code = "event_too_large"


@dataclass(frozen=True, slots=True)
class Recorded(Generic[E]):
    """An event with where, when and why it was stored."""

    pos: int
    event_id: UUID
    stream_id: UUID
    stream_type: str
    version: int
    recorded_at: datetime
    event: E
    meta: Meta


@dataclass(frozen=True, slots=True)
class ReadModel:
    """Tables filled by a pure function from an event to changes.

    Without `sources` it is inline: applied in the append's own transaction. With `sources` it is fed from those
    services' public streams. A row belongs to one stream, so that a rebuild may batch across streams.
    """

    name: str
    tables: tuple[sa.Table, ...]
    project: Callable[[Recorded[Any]], Iterable[Bound]]
    sources: tuple[str, ...] = ()


class EventLog:
    """A service's event types and inline read models, declared once in its `store.py`."""

    def __init__(
        self,
        schema: str,
        types: Sequence[type[Event]],
        read_models: Sequence[ReadModel] = (),
    ) -> None:
        self.schema = schema
        self.types = {kind.event_name: kind for kind in types}
        assert len(self.types) == len(types), "two event types share a name"
        assert all(name.startswith(f"{schema}.") for name in self.types), "an event is named by its service"
        assert all("owner_id" in k.model_fields for k in types), "an event says whose it is"
        self.read_models = tuple(read_models)
        for kind in types:
            assert all(not kind.model_fields[f].is_required() for f in kind.personal_fields()), (
                "erasable is optional"
            )
        self.inline = tuple(model for model in read_models if not model.sources)

    def decode(self, row: asyncpg.Record, keys: dict[UUID, AESGCM] | None = None) -> Recorded[Any]:
        """A stored row as its event, whatever version it was written in; without keys personal fields are `None`."""
        kind = self.types[row["type"]]
        data = kind.upcast(row["data"], row["schema_ver"])
        if kind.personal_fields():
            data = privacy.unseal(row["event_id"], data, (keys or {}).get(UUID(data["owner_id"])))
        return Recorded(
            row["pos"],
            row["event_id"],
            row["stream_id"],
            row["stream_type"],
            row["version"],
            row["recorded_at"],
            kind.model_validate(data),
            Meta(**row["meta"]),
        )

    async def decode_all(
        self, con: asyncpg.Connection, keys: KeyRing, rows: Sequence[asyncpg.Record]
    ) -> list[Recorded[Any]]:
        """Like `decode`, with the subjects' keys fetched in one query where personal fields occur."""
        subjects = [UUID(r["data"]["owner_id"]) for r in rows if self.types[r["type"]].personal_fields()]
        found = await keys.find(con, subjects) if subjects else {}
        return [self.decode(row, found) for row in rows]

    async def load(
        self, con: asyncpg.Connection, keys: KeyRing, stream_id: UUID, up_to: int = _NEWEST
    ) -> list[Recorded[Any]]:
        """A stream's events in order, up to and including version `up_to`."""
        return await self.decode_all(con, keys, await con.fetch(_LOAD, stream_id, up_to))

    async def append(
        self,
        con: asyncpg.Connection,
        keys: KeyRing,
        stream_type: str,
        stream_id: UUID,
        expected: int,
        events: Sequence[Event],
        meta: Meta,
    ) -> list[Recorded[Any]]:
        """Stores events if the stream is at version `expected`; returns `[]` if it has moved on.

        Raises EventTooLarge before anything is stored. After `[]` the caller's transaction holds the stream's lock:
        reload and try again.
        """
        ids = [uuid7() for _ in events]
        dumped = [
            await self._dump(con, keys, event, event_id) for event, event_id in zip(events, ids, strict=True)
        ]
        batch = Json(f"[{','.join(dumped)}]")
        rows = await con.fetch(_APPEND, stream_id, stream_type, expected, batch, meta.as_json())
        return [
            Recorded(pos, event_id, stream_id, stream_type, version, at, event, meta)
            for (pos, version, at), event_id, event in zip(rows, ids, events, strict=False)
        ]

    async def _dump(self, con: asyncpg.Connection, keys: KeyRing, event: Event, event_id: UUID) -> str:
        kind, data = type(event), event.model_dump_json()
        assert self.types.get(kind.event_name) is kind, (
            f"{kind.__name__} is not listed in the service's store"
        )
        if kind.personal_fields():
            plain = orjson.loads(data)
            sealed = privacy.seal(kind, event_id, plain, await keys.obtain(con, UUID(plain["owner_id"])))
            data = orjson.dumps(sealed).decode()
        if kind.public and (size := len(data.encode())) > MOST_TOLD:
            raise EventTooLarge(
                f"{kind.event_name} has {size} bytes, more than the {MOST_TOLD} that an event may have"
            )
        public = "true" if kind.public else "false"
        head = f'"id":"{event_id}","type":"{kind.event_name}","schema_ver":{kind.schema_version},"public":{public}'
        return f'{{{head},"data":{data}}}'


@dataclass
class Tail:
    """Reads the log in `pos` order and never steps over an append that may still commit.

    A hole below a visible row is held until every transaction that could own it has ended. The owner got its
    xid before its pos (`append()` sees to that), so its xid is below an X drawn after the hole was seen; once
    the snapshot's xmin has reached X and the hole is still there in that snapshot, it was rolled back.
    `pg_snapshot_xmax` is no such X: a running owner may lie above it, and events were lost with it.
    """

    pos: int
    _proof: int = 0
    _upto: int = 0
    _dead: int = 0

    @property
    def waiting(self) -> bool:
        """A hole is unsettled: read again soon."""
        return bool(self._proof)

    async def read(self, con: asyncpg.Connection, limit: int = 500) -> list[asyncpg.Record]:
        """The next rows that are safe to hand out; moves on past them."""
        rows = await con.fetch(
            f"SELECT {COLUMNS}, pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xmin "  # noqa: S608
            "FROM events WHERE pos > $1 ORDER BY pos LIMIT $2",
            self.pos,
            limit,
        )
        if rows and self._proof and rows[0]["xmin"] >= self._proof:
            self._dead, self._proof = self._upto, 0
        safe = self._settled(rows)
        if safe < len(rows) and not self._proof:
            self._upto = rows[-1]["pos"]
            self._proof = await con.fetchval("SELECT pg_current_xact_id()::text::bigint")
        if safe:
            self.pos = rows[safe - 1]["pos"]
        return list(rows[:safe])

    def _settled(self, rows: Sequence[asyncpg.Record]) -> int:
        """How many rows come before the first unsettled hole."""
        previous = self.pos
        for index, row in enumerate(rows):
            if row["pos"] != previous + 1 and row["pos"] > self._dead:
                return index
            previous = row["pos"]
        return len(rows)

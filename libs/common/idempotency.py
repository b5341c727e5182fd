"""`Idempotency-Key`: a repeated POST gets the first one's answer, stored in that one's transaction."""

import hashlib
import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert
from starlette.responses import Response

from libs.common.database import Reader, Transaction
from libs.common.errors import BadRequest, Invalid
from libs.common.sql import Statement, metadata

HEADER = b"idempotency-key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS = ("content-type", "location", "etag", "link")

answers = sa.Table(
    "idempotency_keys",
    metadata(),
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("owner_id", sa.Uuid),
    sa.Column("body_hash", sa.LargeBinary),
    sa.Column("status", sa.Integer),
    sa.Column("headers", JSONB),
    sa.Column("body", sa.LargeBinary),
    sa.Column("created_at", sa.DateTime(timezone=True)),
)
_expiry = sa.func.now() - sa.text("interval '24 hours'")
_answer: dict[str, Any] = {name: sa.bindparam(name) for name in ("status", "headers", "body")}
_FIND = Statement(
    sa.select(answers).where(answers.c.scope == sa.bindparam("scope"), answers.c.created_at > _expiry)
)
_insert = insert(answers).values(
    scope=sa.bindparam("scope"),
    owner_id=sa.bindparam("owner_id"),
    body_hash=sa.bindparam("body_hash"),
    created_at=sa.func.now(),
    **_answer,
)
_columns = [column.name for column in answers.c if not column.primary_key]
_KEEP = Statement(
    _insert.on_conflict_do_update(
        index_elements=["scope"],
        set_={name: _insert.excluded[name] for name in _columns},
        where=answers.c.created_at <= _expiry,
    ).returning(answers.c.scope)
)
_UPDATE = Statement(sa.update(answers).where(answers.c.scope == sa.bindparam("at")).values(**_answer))
_PURGE = Statement(sa.delete(answers).where(answers.c.created_at <= _expiry))


class Overtaken(Exception):
    """A request with the same key has been answered meanwhile: undo this one and give its answer."""


@dataclass(slots=True)
class Repeatable:
    """One request that carries a key; `scope` names caller, route and key."""

    scope: str
    owner_id: UUID | None
    body_hash: bytes
    kept: bool = False

    @classmethod
    def of(cls, key: bytes, owner: UUID | None, address: str, target: str, body: bytes) -> "Repeatable":
        text = key.decode("latin-1")
        if not _KEY.fullmatch(text):
            raise BadRequest(
                "an Idempotency-Key has 1 to 255 visible ASCII characters", code="invalid_idempotency_key"
            )
        return cls(f"{owner or address} {target} {text}", owner, hashlib.sha256(body).digest())

    async def earlier(self, reader: Reader) -> Response | None:
        """The answer an earlier request got; raises Invalid if that one asked for something else."""
        row = await reader.fetchrow(_FIND(scope=self.scope))
        if row is None:
            return None
        if row["body_hash"] != self.body_hash:
            raise Invalid("this Idempotency-Key was used for another request", code="idempotency_key_reused")
        return _replay(row)

    async def keep(self, tx: Transaction, response: Response) -> None:
        """Stores a success as the last step before the commit; raises Overtaken."""
        if response.status_code >= 400 or not hasattr(response, "body"):
            return
        answer = {
            "status": response.status_code,
            "headers": {name: value for name, value in response.headers.items() if name in _KEPT_HEADERS},
            "body": bytes(response.body),
        }
        if self.kept:
            await tx.execute(_UPDATE(at=self.scope, **answer))
            return
        row = _KEEP(scope=self.scope, owner_id=self.owner_id, body_hash=self.body_hash, **answer)
        if await tx.fetchval(row) is None:
            raise Overtaken
        self.kept = True


async def purge(reader: Reader) -> None:
    """Forgets answers older than a day; for a worker to call now and then."""
    await reader.execute(_PURGE())


def _replay(row: asyncpg.Record) -> Response:
    return Response(row["body"], row["status"], {**row["headers"], "idempotent-replayed": "true"})

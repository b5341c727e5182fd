"""Sessions: one per login, with the hash of the only refresh token that is good for it now.

A token names its session. One that is not its session's newest has been used before: it was stolen, or its
successor was. Then the session ends, and both the thief and the owner have to log in.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from uuid_utils.compat import uuid7

from libs.common.database import Reader
from libs.common.sql import Statement
from services.auth.accounts.directory import accounts
from services.auth.tables import tables
from services.auth.tokens import digest, new_token

sessions = sa.Table(
    "sessions",
    tables,
    sa.Column("session_id", sa.Uuid, primary_key=True),
    sa.Column("account_id", sa.Uuid, nullable=False, index=True),
    sa.Column("token_hash", sa.LargeBinary, nullable=False),
    sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False, index=True),
)

_begin = Statement(
    sessions.insert().values({column.name: sa.bindparam(column.name) for column in sessions.c})
)
_rotate = Statement(
    sessions.update()
    .where(
        sessions.c.session_id == sa.bindparam("id"),
        sessions.c.token_hash == sa.bindparam("used"),
        sessions.c.expires_at > sa.func.now(),
        accounts.c.account_id == sessions.c.account_id,
        accounts.c.active,
    )
    .values(token_hash=sa.bindparam("next"), expires_at=sa.bindparam("until"))
    .returning(*accounts.c)
)
end = Statement(sessions.delete().where(sessions.c.session_id == sa.bindparam("id")))
end_others = Statement(
    sessions.delete().where(
        sessions.c.account_id == sa.bindparam("account_id"),
        sessions.c.session_id.is_distinct_from(sa.bindparam("but", type_=sa.Uuid)),
    )
)
"""All sessions of an account but one, or with `but=None` all."""
forget_expired = Statement(sessions.delete().where(sessions.c.expires_at <= sa.func.now()))


class Session(NamedTuple):
    session_id: UUID
    account: Mapping[str, Any]
    refresh_token: str


async def begin(reader: Reader, account: Mapping[str, Any], lifetime: timedelta) -> Session:
    session_id = uuid7()
    token = _token_of(session_id)
    row = {"session_id": session_id, "account_id": account["account_id"], "token_hash": digest(token)}
    await reader.execute(_begin(**row, expires_at=datetime.now(UTC) + lifetime))
    return Session(session_id, account, token)


async def rotate(reader: Reader, token: str, lifetime: timedelta) -> Session | None:
    """The session with its next token, good for `lifetime`; None, and the session's end, if not."""
    session_id = _session_of(token)
    if session_id is None:
        return None
    successor = _token_of(session_id)
    change = {"used": digest(token), "next": digest(successor), "until": datetime.now(UTC) + lifetime}
    account = await reader.fetchrow(_rotate(id=session_id, **change))
    if account is None:
        await reader.execute(end(id=session_id))
        return None
    return Session(session_id, account, successor)


def _token_of(session_id: UUID) -> str:
    return f"{urlsafe_b64encode(session_id.bytes).decode().rstrip('=')}.{new_token()}"


def _session_of(token: str) -> UUID | None:
    try:
        return UUID(bytes=urlsafe_b64decode(token.partition(".")[0] + "=="))
    except ValueError:
        return None

"""Tickets for WebSockets and SSE, where browsers set no header: for one use, within a minute."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from libs.common.database import Reader
from libs.common.errors import Unauthorized
from libs.common.sql import Statement
from libs.common.tokens import User
from services.auth.accounts.directory import accounts
from services.auth.tables import tables
from services.auth.tokens import digest, new_token

LIFETIME = timedelta(seconds=60)

tickets = sa.Table(
    "tickets",
    tables,
    sa.Column("ticket_hash", sa.LargeBinary, primary_key=True),
    sa.Column("account_id", sa.Uuid, nullable=False, index=True),
    sa.Column("session_id", sa.Uuid),
    sa.Column("access_until", sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False, index=True),
)
_insert = Statement(tickets.insert().values({column.name: sa.bindparam(column.name) for column in tickets.c}))
_redeem = Statement(
    tickets.delete()
    .where(
        tickets.c.ticket_hash == sa.bindparam("hash"),
        tickets.c.expires_at > sa.func.now(),
        accounts.c.account_id == tickets.c.account_id,
        accounts.c.active,
    )
    .returning(tickets.c.account_id, tickets.c.session_id, tickets.c.access_until, accounts.c.role)
)
forget_expired = Statement(tickets.delete().where(tickets.c.expires_at <= sa.func.now()))


async def issue(reader: Reader, user: User) -> str:
    """A ticket that stands for the caller's access token, and gives access for as long as that."""
    ticket = new_token()
    row = {
        "account_id": user.id,
        "session_id": user.session_id,
        "access_until": datetime.fromtimestamp(user.expires_at, UTC),
        "expires_at": datetime.now(UTC) + LIFETIME,
    }
    await reader.execute(_insert(**row, ticket_hash=digest(ticket)))
    return ticket


async def redeem(reader: Reader, ticket: str) -> dict[str, Any]:
    """What `rpc.auth.redeem_ticket` answers; the ticket is void from now on. Raises Unauthorized."""
    row = await reader.fetchrow(_redeem(hash=digest(ticket)))
    if row is None:
        raise Unauthorized("the ticket has expired or was used before: get a new one", code="invalid_ticket")
    return {
        "account_id": row["account_id"],
        "role": row["role"],
        "session_id": row["session_id"],
        "expires_at": row["access_until"].timestamp(),
    }

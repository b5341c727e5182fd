"""Invitations, which `REGISTRATION_MODE=invite` asks for: each good for one account."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from libs.common.database import Reader
from libs.common.errors import Forbidden
from libs.common.sql import Statement
from services.auth.tables import tables
from services.auth.tokens import digest, new_token

LIFETIME = timedelta(days=7)

invitations = sa.Table(
    "invitations",
    tables,
    sa.Column("code_hash", sa.LargeBinary, primary_key=True),
    sa.Column("email", sa.Text),
    sa.Column("invited_by", sa.Uuid, nullable=False),
    sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False, index=True),
)
_insert = Statement(
    invitations.insert().values({column.name: sa.bindparam(column.name) for column in invitations.c})
)
_good = (
    invitations.c.code_hash == sa.bindparam("hash"),
    invitations.c.expires_at > sa.func.now(),
    sa.func.coalesce(invitations.c.email, sa.bindparam("for_email")) == sa.bindparam("for_email"),
)
_find = Statement(sa.select(invitations.c.code_hash).where(*_good))
_redeem = Statement(invitations.delete().where(*_good).returning(invitations.c.code_hash))
forget_expired = Statement(invitations.delete().where(invitations.c.expires_at <= sa.func.now()))


class Invitation(NamedTuple):
    code: str
    expires_at: datetime


async def issue(reader: Reader, invited_by: UUID, email: str | None) -> Invitation:
    """For whoever brings it, or only for the owner of `email`."""
    invitation = Invitation(new_token(), datetime.now(UTC) + LIFETIME)
    row = {"email": email, "invited_by": invited_by, "expires_at": invitation.expires_at}
    await reader.execute(_insert(**row, code_hash=digest(invitation.code)))
    return invitation


async def check(reader: Reader, code: str | None, email: str) -> None:
    """Raises Forbidden unless the code is good for `email`."""
    if code is None:
        raise Forbidden("registering here takes an invite_code", code="invitation_required")
    await _one(reader, _find, code, email)


async def redeem(reader: Reader, code: str, email: str) -> None:
    """The code is void from now on. Raises Forbidden if it is already."""
    await _one(reader, _redeem, code, email)


async def _one(reader: Reader, statement: Statement, code: str, email: str) -> None:
    if await reader.fetchval(statement(hash=digest(code), for_email=email)) is None:
        raise Forbidden("the invitation has expired, was used, or is another's", code="invitation_invalid")

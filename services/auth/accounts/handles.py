"""What an account can be called by: e-mail address, username, userid. None is ever taken for another.

A plain table: being unique is decided by its primary key, in the transaction that registers.
"""

import secrets
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from libs.common.database import Reader, Transaction
from libs.common.errors import Conflict
from libs.common.sql import Statement
from services.auth.tables import tables

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

handles = sa.Table(
    "handles",
    tables,
    sa.Column("handle", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Uuid, nullable=False, index=True),
)

_reserve = Statement(
    insert(handles)
    .values(handle=sa.bindparam("handle"), account_id=sa.bindparam("account_id"))
    .on_conflict_do_nothing()
    .returning(handles.c.handle)
)
_account_of = Statement(sa.select(handles.c.account_id).where(handles.c.handle == sa.bindparam("handle")))


def fold(handle: str) -> str:
    return handle.strip().casefold()


async def account_of(reader: Reader, handle: str) -> UUID | None:
    found: UUID | None = await reader.fetchval(_account_of(handle=fold(handle)))
    return found


async def reserve(tx: Transaction, account_id: UUID, email: str | None, username: str | None) -> str:
    """The account's new userid. Raises Conflict: `email_taken` or `username_taken`."""
    if email and not await _take(tx, account_id, email):
        raise Conflict("an account with this e-mail address exists", code="email_taken")
    if username and not await _take(tx, account_id, username):
        raise Conflict("this username is taken", code="username_taken")
    while not await _take(tx, account_id, userid := "".join(secrets.choice(_CROCKFORD) for _ in range(8))):
        pass
    return userid


async def _take(tx: Transaction, account_id: UUID, handle: str) -> bool:
    return await tx.fetchval(_reserve(handle=fold(handle), account_id=account_id)) is not None

"""Forgetting a person: who an account belonged to is gone for good; that there was one, and when, stays."""

from uuid import UUID

import sqlalchemy as sa

from libs.common.database import Transaction
from libs.common.sql import Bound, Statement
from services.auth.accounts.administration import AccountChange, change_account
from services.auth.accounts.credentials import credentials
from services.auth.accounts.directory import accounts
from services.auth.accounts.handles import handles
from services.auth.tickets.tickets import tickets

_FORGET = [
    Statement(table.delete().where(table.c.account_id == sa.bindparam("account_id")))
    for table in (credentials, handles, tickets)
]
_NAMELESS = Statement(
    accounts.update()
    .where(accounts.c.account_id == sa.bindparam("id"))
    .values(email=None, username=None, full_name=None)
)
_ANSWERS = "DELETE FROM idempotency_keys WHERE owner_id = $1"


async def erase(tx: Transaction, account_id: UUID) -> None:
    """Ends its logins everywhere, and makes its personal data unreadable in the log. Raises NotFound.

    The row becomes what a rebuild would make of the log without the key. A running process may still have the
    key for a minute.
    """
    await change_account(tx, account_id, AccountChange(is_active=False), by=None)
    for forget in _FORGET:
        await tx.execute(forget(account_id=account_id))
    await tx.execute(Bound(_ANSWERS, (account_id,)))
    await tx.execute(_NAMELESS(id=account_id))
    await tx.keys.erase(await tx.connection(), account_id)

"""What admins do with other people's accounts, over HTTP or at the command line."""

from collections.abc import Iterator
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from libs.common.contracts.auth import Role
from libs.common.database import Reader, Transaction
from libs.common.errors import NotFound
from services.auth.accounts import handles
from services.auth.accounts.domain import (
    AccountCommand,
    ChangeRole,
    DeactivateAccount,
    ReactivateAccount,
    Reason,
    accounts,
)
from services.auth.sessions import refresh_tokens


class AccountChange(BaseModel):
    """What is left out stays as it is. `reason` is kept with a deactivation."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    is_active: bool | None = None
    role: Role | None = None
    reason: Reason | None = None

    def commands(self, by: UUID | None) -> Iterator[AccountCommand]:
        if self.role is not None:
            yield ChangeRole(role=self.role, by=by)
        if self.is_active is False:
            yield DeactivateAccount(reason=self.reason, by=by)
        if self.is_active is True:
            yield ReactivateAccount(by=by)


async def find_account(reader: Reader, user_ref: str) -> UUID:
    """By id, userid, e-mail address or username. Raises NotFound."""
    try:
        return UUID(user_ref)
    except ValueError:
        account_id = await handles.account_of(reader, user_ref)
    if account_id is None:
        raise NotFound("no such account", code="account_not_found")
    return account_id


async def change_account(
    tx: Transaction, account_id: UUID, change: AccountChange, *, by: UUID | None, expected: int | None = None
) -> None:
    """Ends the account's sessions if anything changed: the next login has the new role, or is refused.

    Raises NotFound, Conflict for one's own account, and PreconditionFailed.
    """
    changed = False
    for command in change.commands(by):
        handled = await tx.handle(accounts, account_id, command, expected=expected)
        expected = None if expected is None else handled.version
        changed = changed or bool(handled.events)
    if changed:
        await tx.execute(refresh_tokens.end_others(account_id=account_id, but=None))

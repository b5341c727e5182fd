"""An account: one stream, whose id is the account's. Pure: no I/O, no clock, no random ids.

Passwords are not its business: no event knows one, nor a hash of one, only that it was changed.
"""

from dataclasses import dataclass, replace
from typing import Annotated, assert_never
from uuid import UUID

from pydantic import AfterValidator, StringConstraints

from libs.common.contracts.auth import (
    AccountDeactivated,
    AccountReactivated,
    AccountRegistered,
    AccountRoleChanged,
    Role,
)
from libs.common.decider import Decider
from libs.common.errors import Conflict, NotFound
from libs.common.messages import Command, Event
from libs.common.values import Text

_EMAIL = r"^[^\s@<>\"(),:;\\\[\]]{1,64}@([^\s@.]{1,63}\.)+[^\s@.]{2,63}$"

Email = Annotated[Text, StringConstraints(pattern=_EMAIL, max_length=254), AfterValidator(str.casefold)]
"""Folded, so that one mailbox is one account. Any domain will do: who runs this may use an internal one."""
Username = Annotated[Text, StringConstraints(pattern=r"^[A-Za-z0-9._-]+$", max_length=50)]
"""Without `@`, so that it is never taken for an e-mail address."""
FullName = Annotated[Text, StringConstraints(min_length=1, max_length=200)]
Reason = Annotated[Text, StringConstraints(min_length=1, max_length=500)]


class RegisterAccount(Command):
    """`account_id` is the stream's id; `email`, `username` and `userid` have been reserved for it."""

    account_id: UUID
    userid: str
    email: Email | None = None
    username: Username | None = None
    full_name: FullName | None = None
    role: Role = "user"
    must_change_password: bool = False


class ChangePassword(Command):
    """The new password's hash goes to the credentials, with this, in one transaction."""


class ChangeRole(Command):
    """`by` is the admin's account; None for an operator at the command line. So in the commands below."""

    role: Role
    by: UUID | None = None


class DeactivateAccount(Command):
    reason: Reason | None = None
    by: UUID | None = None


class ReactivateAccount(Command):
    by: UUID | None = None


class PasswordChanged(Event):
    event_name = "auth.password_changed"
    owner_id: UUID


AccountCommand = RegisterAccount | ChangePassword | ChangeRole | DeactivateAccount | ReactivateAccount
AccountEvent = (
    AccountRegistered | PasswordChanged | AccountRoleChanged | AccountDeactivated | AccountReactivated
)


@dataclass(frozen=True, slots=True)
class Account:
    account_id: UUID | None = None
    role: Role = "user"
    active: bool = True


def decide(command: AccountCommand, account: Account) -> list[AccountEvent]:
    if isinstance(command, RegisterAccount):
        return [_register(command, account)]
    if account.account_id is None:
        raise NotFound("no such account", code="account_not_found")
    match command:
        case ChangePassword():
            return [PasswordChanged(owner_id=account.account_id)]
        case ChangeRole(role=role, by=by) if role != account.role:
            _refuse_own(account, by, "role")
            return [AccountRoleChanged(owner_id=account.account_id, role=role)]
        case DeactivateAccount(reason=reason, by=by) if account.active:
            _refuse_own(account, by, "is_active")
            return [AccountDeactivated(owner_id=account.account_id, reason=reason)]
        case ReactivateAccount() if not account.active:
            return [AccountReactivated(owner_id=account.account_id)]
        case ChangeRole() | DeactivateAccount() | ReactivateAccount():
            return []
    assert_never(command)


def _register(command: RegisterAccount, account: Account) -> AccountRegistered:
    if account.account_id is not None:
        raise Conflict("the account exists already", code="account_exists")
    return AccountRegistered(owner_id=command.account_id, **command.model_dump(exclude={"account_id"}))


def _refuse_own(account: Account, by: UUID | None, field: str) -> None:
    """Nobody locks themselves out, so there is always an admin left."""
    if by == account.account_id:
        raise Conflict(
            f"you cannot change {field} of your own account: ask another admin", code="own_account"
        )


def evolve(account: Account, event: AccountEvent) -> Account:
    match event:
        case AccountRegistered(owner_id=account_id, role=role):
            return replace(account, account_id=account_id, role=role)
        case AccountRoleChanged(role=role):
            return replace(account, role=role)
        case AccountDeactivated():
            return replace(account, active=False)
        case AccountReactivated():
            return replace(account, active=True)
        case PasswordChanged():
            return account
    assert_never(event)


accounts = Decider("account", Account(), decide, evolve)

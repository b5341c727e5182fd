"""Public events of auth. Streams: one per account."""

from typing import Literal
from uuid import UUID

from libs.common.contracts import PublicEvent
from libs.common.messages import Personal

Role = Literal["user", "admin"]


class AccountRegistered(PublicEvent):
    """`owner_id` is the account itself; `userid` its public 8-character handle."""

    event_name = "auth.account_registered"
    owner_id: UUID
    userid: str
    role: Role
    must_change_password: bool = False
    email: Personal[str | None] = None
    username: Personal[str | None] = None
    full_name: Personal[str | None] = None


class AccountRoleChanged(PublicEvent):
    event_name = "auth.account_role_changed"
    owner_id: UUID
    role: Role


class AccountDeactivated(PublicEvent):
    event_name = "auth.account_deactivated"
    owner_id: UUID
    reason: str | None = None


class AccountReactivated(PublicEvent):
    event_name = "auth.account_reactivated"
    owner_id: UUID

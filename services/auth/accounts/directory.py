"""Read model behind every answer that shows an account: one row per account, in plain text."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import BaseModel

from libs.common.contracts.auth import (
    AccountDeactivated,
    AccountReactivated,
    AccountRegistered,
    AccountRoleChanged,
    Role,
)
from libs.common.database import Reader
from libs.common.errors import Invalid, NotFound
from libs.common.event_log import ReadModel, Recorded
from libs.common.http import Json, Paging, Timestamp
from libs.common.sql import Bound, Statement
from services.auth.accounts.domain import PasswordChanged
from services.auth.tables import tables

accounts = sa.Table(
    "accounts",
    tables,
    sa.Column("account_id", sa.Uuid, primary_key=True),
    sa.Column("userid", sa.Text, nullable=False),
    sa.Column("email", sa.Text),
    sa.Column("username", sa.Text),
    sa.Column("full_name", sa.Text),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("must_change_password", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

_insert = Statement(
    accounts.insert().values({column.name: sa.bindparam(column.name) for column in accounts.c})
)


def _update(**values: Any) -> Statement:
    row = accounts.update().where(accounts.c.account_id == sa.bindparam("id"))
    return Statement(row.values(updated_at=sa.bindparam("at"), version=sa.bindparam("v"), **values))


_set_role = _update(role=sa.bindparam("new_role"))
_set_active = _update(active=sa.bindparam("is_active"))
_keep_password = _update(must_change_password=False)


def _project(recorded: Recorded[Any]) -> Iterator[Bound]:
    change = {"id": recorded.stream_id, "at": recorded.recorded_at, "v": recorded.version}
    match recorded.event:
        case AccountRegistered() as registered:
            yield _insert(
                **registered.model_dump(exclude={"owner_id"}),
                account_id=recorded.stream_id,
                active=True,
                created_at=recorded.recorded_at,
                updated_at=recorded.recorded_at,
                version=recorded.version,
            )
        case AccountRoleChanged(role=role):
            yield _set_role(**change, new_role=role)
        case AccountDeactivated():
            yield _set_active(**change, is_active=False)
        case AccountReactivated():
            yield _set_active(**change, is_active=True)
        case PasswordChanged():
            yield _keep_password(**change)


read_model = ReadModel("accounts", (accounts,), _project)

_find = Statement(sa.select(accounts).where(accounts.c.account_id == sa.bindparam("id")))


class AccountView(BaseModel):
    """An account as its owner and admins see it."""

    id: UUID
    userid: str
    email: str | None
    username: str | None
    full_name: str | None
    role: Role
    is_active: bool
    must_change_password: bool
    created_at: Timestamp
    updated_at: Timestamp


async def find(reader: Reader, account_id: UUID) -> Mapping[str, Any]:
    """The account's row. Raises NotFound."""
    row: Mapping[str, Any] | None = await reader.fetchrow(_find(id=account_id))
    if row is None:
        raise NotFound("no such account", code="account_not_found")
    return row


def present(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as an `AccountView` in JSON."""
    stored = {"id": "account_id", "is_active": "active"}
    return {name: row[stored.get(name, name)] for name in AccountView.model_fields}


_names = sa.func.concat_ws(
    " ", accounts.c.email, accounts.c.username, accounts.c.full_name, accounts.c.userid
)
_found = _names.ilike(sa.bindparam("pattern"))
_count = Statement(sa.select(sa.func.count()).select_from(accounts).where(_found))


def _page(order: sa.UnaryExpression[UUID], beyond: sa.ColumnElement[bool]) -> Statement:
    page = sa.select(accounts).where(_found, sa.or_(sa.bindparam("after", type_=sa.Uuid).is_(None), beyond))
    return Statement(page.order_by(order).limit(sa.bindparam("limit")).offset(sa.bindparam("offset")))


_after = sa.bindparam("after", type_=sa.Uuid)
_newest_first = _page(accounts.c.account_id.desc(), accounts.c.account_id < _after)
_oldest_first = _page(accounts.c.account_id.asc(), accounts.c.account_id > _after)


async def page(reader: Reader, paging: Paging, search: str) -> Json:
    """All accounts whose names hold `search`, by age: an id is as old as its account."""
    pattern = "%" + re.sub(r"([\\%_])", r"\\\1", search) + "%"
    total = await reader.fetchval(_count(pattern=pattern))
    statement = _newest_first if paging.descending else _oldest_first
    after = _position(paging.after) if paging.after else None
    rows = await reader.fetch(
        statement(pattern=pattern, after=after, limit=paging.limit, offset=paging.offset)
    )
    more = [str(rows[-1]["account_id"])] if len(rows) == paging.limit else None
    return paging.answer([present(row) for row in rows], total, more)


def _position(after: list[Any]) -> UUID:
    try:
        return UUID(*after)
    except (TypeError, ValueError, AttributeError):
        raise Invalid("not a cursor of this list: begin with an empty one", code="invalid_cursor") from None

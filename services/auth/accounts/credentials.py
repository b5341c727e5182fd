"""Password hashes: a plain table, because no event ever holds one."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from libs.common.sql import Statement
from services.auth.accounts.directory import accounts
from services.auth.accounts.handles import handles
from services.auth.tables import tables

credentials = sa.Table(
    "credentials",
    tables,
    sa.Column("account_id", sa.Uuid, primary_key=True),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("changed_at", sa.TIMESTAMP(timezone=True), nullable=False),
)

_row = insert(credentials).values(
    account_id=sa.bindparam("account_id"),
    password_hash=sa.bindparam("password_hash"),
    changed_at=sa.func.now(),
)
store = Statement(
    _row.on_conflict_do_update(
        index_elements=[credentials.c.account_id],
        set_={"password_hash": _row.excluded.password_hash, "changed_at": _row.excluded.changed_at},
    )
)
rehash = Statement(
    credentials.update()
    .where(
        credentials.c.account_id == sa.bindparam("id"),
        credentials.c.password_hash == sa.bindparam("outdated"),
    )
    .values(password_hash=sa.bindparam("current"))
)
"""The same password hashed anew; nothing if it has been changed meanwhile."""

_login = sa.select(accounts, credentials.c.password_hash).join(
    credentials, credentials.c.account_id == accounts.c.account_id
)
by_handle = Statement(
    _login.join(handles, handles.c.account_id == accounts.c.account_id).where(
        handles.c.handle == sa.bindparam("handle")
    )
)
by_account = Statement(_login.where(accounts.c.account_id == sa.bindparam("id")))
"""Both: the account's row with its `password_hash`."""

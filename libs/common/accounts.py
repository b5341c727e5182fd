"""Which accounts may come in: a row per account in every service, from auth's events.

For turning callers away; who asks auth itself gets the newest answer.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from libs.common.contracts.auth import AccountDeactivated, AccountReactivated, AccountRegistered
from libs.common.database import Reader
from libs.common.event_log import ReadModel, Recorded
from libs.common.sql import Bound, Statement, metadata

tables = metadata()
refs_accounts = sa.Table(
    "refs_accounts",
    tables,
    sa.Column("account_id", sa.Uuid, primary_key=True),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

_row = insert(refs_accounts).values(
    account_id=sa.bindparam("account_id"), active=sa.bindparam("active"), version=sa.bindparam("version")
)
_put = Statement(
    _row.on_conflict_do_update(
        index_elements=[refs_accounts.c.account_id],
        set_={"active": _row.excluded.active, "version": _row.excluded.version},
        where=refs_accounts.c.version < _row.excluded.version,
    )
)
_deactivated = Statement(sa.select(refs_accounts.c.account_id).where(~refs_accounts.c.active))


def _project(recorded: Recorded[Any]) -> Iterator[Bound]:
    row = {"account_id": recorded.stream_id, "version": recorded.version}
    match recorded.event:
        case AccountRegistered() | AccountReactivated():
            yield _put(**row, active=True)
        case AccountDeactivated():
            yield _put(**row, active=False)


def read_model(*sources: str) -> ReadModel:
    """`read_model("auth")` in a service that hears of accounts; inline in auth itself."""
    return ReadModel("refs_accounts", (refs_accounts,), _project, sources)


async def deactivated(reader: Reader) -> list[UUID]:
    """For `create_app(refused_accounts=deactivated)`."""
    return [row["account_id"] for row in await reader.fetch(_deactivated())]

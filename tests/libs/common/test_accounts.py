"""What other services know of accounts, from auth's events."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from libs.common import changes
from libs.common.accounts import deactivated, read_model
from libs.common.contracts.auth import AccountDeactivated, AccountReactivated, AccountRegistered
from libs.common.database import Database, connect
from libs.common.event_log import Recorded
from libs.common.messages import Event, Meta

ACCOUNT = UUID(int=1)
HISTORY: list[Event] = [
    AccountRegistered(owner_id=ACCOUNT, userid="K7Q2M9XA", role="user"),
    AccountDeactivated(owner_id=ACCOUNT, reason="spam"),
    AccountReactivated(owner_id=ACCOUNT),
]


@pytest.fixture
async def con(scratch_url: str) -> AsyncIterator[asyncpg.Connection]:
    con = await connect(scratch_url, "scratch")
    yield con
    await con.close()


@pytest.fixture
async def db(scratch_url: str) -> AsyncIterator[Database]:
    db = await Database.connect(scratch_url, "scratch")
    yield db
    await db.close()


async def tell(con: asyncpg.Connection, *versions: int) -> None:
    events = [
        Recorded(n, uuid7(), ACCOUNT, "account", n, datetime.now(UTC), HISTORY[n - 1], Meta())
        for n in versions
    ]
    await changes.run(con, changes.rounds(read_model("auth").project, events))


async def test_a_deactivated_account_is_known_until_it_is_reactivated(
    con: asyncpg.Connection, db: Database
) -> None:
    await tell(con, 1)
    assert await deactivated(db) == []
    await tell(con, 2)
    assert await deactivated(db) == [ACCOUNT]
    await tell(con, 3)
    assert await deactivated(db) == []


async def test_an_older_event_told_again_changes_nothing(con: asyncpg.Connection, db: Database) -> None:
    await tell(con, 1, 2)
    await tell(con, 1)
    assert await deactivated(db) == [ACCOUNT]


def test_it_is_inline_in_auth_and_fed_from_auth_elsewhere() -> None:
    assert (read_model().sources, read_model("auth").sources) == ((), ("auth",))

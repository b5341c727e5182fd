"""Two small services on the real contracts: auth keeps accounts, catalog lists them from its public events.

They live in a database of their own, as the services' own roles, so that nothing another test left is in it.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, assert_never
from uuid import UUID

import asyncpg
import nats
import nats.js.errors
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from libs.common.contracts.auth import AccountDeactivated, AccountReactivated, AccountRegistered
from libs.common.decider import Decider
from libs.common.event_log import EventLog, ReadModel, Recorded
from libs.common.messages import Command, Meta
from libs.common.migrate import CORE, core_sql
from libs.common.rebuild import definition_of
from libs.common.service import Definition, Service
from libs.common.settings import Settings
from libs.common.sql import Bound, Statement, metadata

DATABASE = "mechanics"
SERVICES = ("auth", "catalog")
Env = Callable[[str], dict[str, str]]


class Register(Command):
    account_id: UUID
    username: str


class Switch(Command):
    """Deactivates what is active, and the other way round."""

    times: int = 1


@dataclass(frozen=True)
class Account:
    account_id: UUID | None = None
    active: bool = True


AccountEvent = AccountRegistered | AccountDeactivated | AccountReactivated


def decide(command: Register | Switch, account: Account) -> list[AccountEvent]:
    match command:
        case Register(account_id=id, username=name):
            return [AccountRegistered(owner_id=id, userid=name[:8], role="user", username=name)]
        case Switch(times=times):
            assert account.account_id
            kinds = (AccountDeactivated, AccountReactivated)
            first = 0 if account.active else 1
            return [kinds[(first + n) % 2](owner_id=account.account_id) for n in range(times)]
    assert_never(command)


def evolve(account: Account, event: AccountEvent) -> Account:
    match event:
        case AccountRegistered(owner_id=id):
            return Account(id)
        case AccountDeactivated():
            return Account(account.account_id, active=False)
        case AccountReactivated():
            return Account(account.account_id)
    assert_never(event)


accounts: Decider[Account, Any, Any] = Decider("account", Account(), decide, evolve)


def _table(name: str) -> sa.Table:
    return sa.Table(
        name,
        metadata(),
        sa.Column("account_id", sa.Uuid, primary_key=True),
        sa.Column("username", sa.Text),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("changes", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Index(None, "username"),
    )


def _projection(table: sa.Table) -> Callable[[Recorded[Any]], Iterator[Bound]]:
    """Counts every event it sees, so that one seen twice or never shows."""
    add = Statement(insert(table).values({c.name: sa.bindparam(c.name) for c in table.columns}))
    change = Statement(
        table.update()
        .where(table.c.account_id == sa.bindparam("id"), table.c.version == sa.bindparam("v") - 1)
        .values(active=sa.bindparam("on"), changes=table.c.changes + 1, version=sa.bindparam("v"))
    )

    def project(recorded: Recorded[Any]) -> Iterator[Bound]:
        match recorded.event:
            case AccountRegistered(username=username):
                yield add(
                    account_id=recorded.stream_id,
                    username=username,
                    active=True,
                    changes=0,
                    version=recorded.version,
                )
            case AccountDeactivated() | AccountReactivated():
                on = isinstance(recorded.event, AccountReactivated)
                yield change(id=recorded.stream_id, on=on, v=recorded.version)

    return project


own = _table("own_accounts")
listed = _table("listed_accounts")
OWN = ReadModel("own_accounts", (own,), _projection(own))
LISTED = ReadModel("listed_accounts", (listed,), _projection(listed), sources=("auth",))

auth = Definition(
    "auth", Settings, EventLog("auth", [AccountRegistered, AccountDeactivated, AccountReactivated], [OWN])
)
catalog = Definition("catalog", Settings, EventLog("catalog", [], [LISTED]))


def environment(env: Env, service: str) -> dict[str, str]:
    """The service's variables as settings, pointing to the database `mechanics`."""
    values = {name.lower(): value for name, value in env(service).items()}
    for name in ("database_url", "database_owner_url"):
        values[name] = values[name].rsplit("/", 1)[0] + f"/{DATABASE}"
    return values


@asynccontextmanager
async def running(definition: Definition[Settings], env: Env) -> AsyncIterator[Service[Settings]]:
    known = environment(env, definition.name)
    async with Service.open(
        definition, **{k: v for k, v in known.items() if k in Settings.model_fields}
    ) as service:
        yield service


async def reset_database(superuser_url: str) -> None:
    """A fresh database with both services' schemas and tables."""
    admin = await asyncpg.connect(superuser_url)
    await admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    await admin.execute(f"CREATE DATABASE {DATABASE}")
    await admin.close()
    con = await asyncpg.connect(superuser_url.rsplit("/", 1)[0] + f"/{DATABASE}")
    for name, table in zip(SERVICES, (own, listed), strict=True):
        await con.execute(
            f"CREATE SCHEMA {name} AUTHORIZATION {name}_owner;"
            f"CREATE SCHEMA {name}_rebuild AUTHORIZATION {name}_owner;"
            f"GRANT USAGE ON SCHEMA {name}, {name}_rebuild TO {name};"
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {name}_owner IN SCHEMA {name}, {name}_rebuild "
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {name}; SET ROLE {name}_owner"
        )
        for step in sorted(file.stem for file in CORE.glob("*.sql")):
            await con.execute(core_sql(step, name, name))
        await con.execute(f"SET search_path = {name}")
        for statement in definition_of(table):
            await con.execute(statement)
        await con.execute("RESET ROLE")
    await con.close()


async def reset_streams(operator_url: str) -> None:
    nc = await nats.connect(operator_url)
    for name in [name for service in SERVICES for name in (f"ev_{service}", f"dead_{service}")]:
        try:
            await nc.jetstream().delete_stream(name)
        except nats.js.errors.NotFoundError:
            continue
    await nc.close()


async def register(service: Service[Any], username: str = "somebody") -> UUID:
    account_id = uuid7()
    async with service.transaction(Meta()) as tx:
        await tx.handle(accounts, account_id, Register(account_id=account_id, username=username))
    return account_id


async def switch(service: Service[Any], account_id: UUID, times: int = 1) -> None:
    async with service.transaction(Meta()) as tx:
        await tx.handle(accounts, account_id, Switch(times=times))

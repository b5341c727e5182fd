"""The smallest service there can be: counters, with one read model. What the core's own tests run on."""

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, assert_never
from uuid import UUID

import asyncpg
import sqlalchemy as sa

from libs.common.contracts import PublicEvent
from libs.common.database import Database, Transaction
from libs.common.decider import Decider
from libs.common.errors import Conflict
from libs.common.event_log import EventLog, ReadModel, Recorded
from libs.common.messages import Command, Event, Meta, Personal
from libs.common.migrate import CORE, core_sql
from libs.common.privacy import KeyRing
from libs.common.sql import Bound, Statement, metadata

SCHEMA = "scratch"
OWNER = UUID(int=7)
MASTER_KEY = urlsafe_b64encode(b"k" * 32).decode()


class Add(Command):
    amount: int


class Name(Command):
    name: str


class Added(PublicEvent):
    event_name = "scratch.added"
    owner_id: UUID
    amount: int


class Named(Event):
    event_name = "scratch.named"
    owner_id: UUID
    name: Personal[str | None] = None


@dataclass(frozen=True)
class Counter:
    total: int = 0
    name: str | None = None


def decide(command: Add | Name, counter: Counter) -> list[Added | Named]:
    match command:
        case Add(amount=0):
            return []
        case Add(amount=amount) if counter.total + amount < 0:
            raise Conflict("a counter cannot fall below zero")
        case Add(amount=amount):
            return [Added(owner_id=OWNER, amount=amount)]
        case Name(name=name):
            return [Named(owner_id=OWNER, name=name)]
    assert_never(command)


def evolve(counter: Counter, event: Added | Named) -> Counter:
    match event:
        case Added(amount=amount):
            return replace(counter, total=counter.total + amount)
        case Named(name=name):
            return replace(counter, name=name)
    assert_never(event)


counters: Decider[Counter, Any, Any] = Decider("counter", Counter(), decide, evolve)

tables = metadata()
totals = sa.Table(
    "totals",
    tables,
    sa.Column("counter_id", sa.Uuid, primary_key=True),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)
_first = Statement(
    totals.insert().values(counter_id=sa.bindparam("id"), total=sa.bindparam("amount"), version=1)
)
_more = Statement(
    totals.update()
    .where(totals.c.counter_id == sa.bindparam("id"))
    .values(total=totals.c.total + sa.bindparam("amount"), version=sa.bindparam("v"))
)
total_of = Statement(sa.select(totals.c.total).where(totals.c.counter_id == sa.bindparam("id")))


def project(recorded: Recorded[Any]) -> Iterator[Bound]:
    match recorded.event:
        case Added(amount=amount) if recorded.version == 1:
            yield _first(id=recorded.stream_id, amount=amount)
        case Added(amount=amount):
            yield _more(id=recorded.stream_id, amount=amount, v=recorded.version)


log = EventLog(SCHEMA, [Added, Named], [ReadModel("totals", (totals,), project)])


async def create_schema(url: str) -> None:
    """A fresh schema with the core tables and `totals`, as if migrated; `url` is a superuser's."""
    con = await asyncpg.connect(url)
    await con.execute(
        f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA};"
        f"DO $$ BEGIN CREATE ROLE {SCHEMA} LOGIN PASSWORD 'scratch'; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO {SCHEMA};"
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {SCHEMA} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {SCHEMA}"
    )
    for name in sorted(file.stem for file in CORE.glob("*.sql")):
        await con.execute(core_sql(name, SCHEMA, SCHEMA))
    await con.execute(
        f"CREATE TABLE {SCHEMA}.totals (counter_id uuid PRIMARY KEY, total integer NOT NULL, version integer NOT NULL);"
        f"CREATE TABLE {SCHEMA}.alembic_version AS SELECT '0001' AS version_num"
    )
    await con.close()


class Counters:
    """The service's write side, as `Service` has it, without the servers it does not need."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.keys = KeyRing(MASTER_KEY)
        self.woken: list[str] = []

    def begin(self) -> Transaction:
        return Transaction(self.db, log, self.keys, Meta(), self.woken.append)

    async def handle(self, counter_id: UUID, command: Command, expected: int | None = None) -> int:
        """The stream's version after the command, committed."""
        tx = self.begin()
        try:
            handled = await tx.handle(counters, counter_id, command, expected=expected)
        except BaseException:
            await tx.rollback()
            raise
        await tx.commit()
        return handled.version

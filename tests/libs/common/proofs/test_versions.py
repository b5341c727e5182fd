"""A public event gets a new version while older and newer processes run side by side: each has every fact once."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, suppress
from typing import Any, ClassVar
from uuid import UUID

import asyncpg
import pytest
import sqlalchemy as sa
from nats.aio.client import Client
from nats.js.errors import NotFoundError
from uuid_utils.compat import uuid7

from deploy.local.postgres import Postgres
from libs.common import cloudevents
from libs.common.cloudevents import Contracts, subject_of
from libs.common.contracts import PublicEvent
from libs.common.contracts.auth import AccountRegistered
from libs.common.database import Transaction
from libs.common.errors import Unavailable
from libs.common.event_log import EventLog, ReadModel, Recorded
from libs.common.messages import Cast, Data, Meta
from libs.common.projector import Feed
from libs.common.reactions import Reaction, Reactor, reaction
from libs.common.rebuild import definition_of
from libs.common.relay import EventStream, Relay
from libs.common.service import Definition, Service
from libs.common.settings import Settings
from libs.common.sql import Bound, Statement, metadata
from tests.libs.common.accounts import DATABASE, Env, catalog, reset_database, reset_streams, running
from tests.libs.common.proofs.outcome import STREAM
from tests.libs.common.waiting import background, eventually

LISTS = ("by_old", "by_new", "by_both")
DURABLES = ("catalog_old", "catalog_new", "catalog_both")


def to_2(data: Data) -> Data:
    return {"owner_id": data["owner_id"], "handle": data["userid"]}


def to_1(data: Data) -> Data:
    return {"owner_id": data["owner_id"], "userid": data["handle"], "role": "user"}


Old = AccountRegistered


class New(PublicEvent):
    """As a later release has it: `userid` is the `handle`, `role` is gone, and who invited is known."""

    event_name = Old.event_name
    schema_version = 2
    upcasts: ClassVar[dict[int, Cast]] = {1: to_2}
    also_as: ClassVar[dict[int, Cast]] = {1: to_1}
    owner_id: UUID
    handle: str
    invited_by: str | None = None


V1, V2 = (subject_of(Old.event_name, version) for version in (1, 2))


def publisher(kind: type[PublicEvent]) -> Definition[Settings]:
    return Definition("auth", Settings, EventLog("auth", [kind]))


def model(name: str) -> ReadModel:
    """A row for each event seen, whatever was seen before."""
    columns = [sa.Column("account_id", sa.Uuid), sa.Column("name", sa.Text), sa.Column("invited_by", sa.Text)]
    table = sa.Table(name, metadata(), *columns)
    insert = Statement(table.insert().values({c.name: sa.bindparam(c.name) for c in columns}))

    def project(recorded: Recorded[Any]) -> Iterator[Bound]:
        match recorded.event:
            case New(handle=name, invited_by=inviter):
                yield insert(account_id=recorded.stream_id, name=name, invited_by=inviter)
            case Old(userid=name):
                yield insert(account_id=recorded.stream_id, name=name, invited_by=None)

    return ReadModel(name, (table,), project, sources=("auth",))


def feed(service: Service[Any], name: str, kind: type[PublicEvent]) -> Feed:
    """As in a process whose contracts have the event as `kind`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("libs.common.projector.contracts_of", lambda _: Contracts([kind]))
        return Feed(service, model(name), "auth")


def greeting(durable: str, kind: type[PublicEvent]) -> Reaction:
    @reaction(kind, durable=durable)
    async def greet(event: Recorded[Any], tx: Transaction, service: Service[Any]) -> None:
        name = event.event.handle if isinstance(event.event, New) else event.event.userid
        await tx.execute(Bound("INSERT INTO greetings VALUES ($1, $2)", (durable, name)))

    return greet


@pytest.fixture
async def old(postgres: Postgres, nats: str, service_env: Env) -> AsyncIterator[Service[Any]]:
    """The publisher as it was, in a fresh database with the tables of both consumers."""
    await reset_database(postgres.superuser_url)
    await reset_streams(nats)
    con = await asyncpg.connect(postgres.superuser_url.rsplit("/", 1)[0] + f"/{DATABASE}")
    await con.execute("SET ROLE catalog_owner; SET search_path = catalog")
    for name in LISTS:
        for statement in definition_of(model(name).tables[0]):
            await con.execute(statement)
    await con.execute("CREATE TABLE greetings (durable text, name text)")
    await con.close()
    async with running(publisher(Old), service_env) as service:
        yield service


@pytest.fixture
async def new(old: Service[Any], service_env: Env) -> AsyncIterator[Service[Any]]:
    """The publisher as it is now."""
    async with running(publisher(New), service_env) as service:
        yield service


@pytest.fixture
async def consumer(old: Service[Any], service_env: Env) -> AsyncIterator[Service[Any]]:
    async with running(catalog, service_env) as service:
        yield service


async def register(service: Service[Any], *names: str) -> None:
    [kind] = service.log.types.values()
    for name in names:
        account = uuid7()
        event = (
            New(owner_id=account, handle=name, invited_by="ada")
            if kind is New
            else Old(owner_id=account, userid=name, role="user")
        )
        async with service.db.pool.acquire() as con, con.transaction():
            await service.log.append(con, service.keys, "account", account, 0, [event], Meta())


async def listed(service: Service[Any], name: str) -> list[str]:
    rows = await service.db.pool.fetch(f"SELECT name FROM {name} ORDER BY name")
    return [row["name"] for row in rows]


async def greeted(service: Service[Any], durable: str) -> list[str]:
    query = "SELECT name FROM greetings WHERE durable = $1 ORDER BY name"
    return [row["name"] for row in await service.db.pool.fetch(query, durable)]


async def have_read_all(service: Service[Any], operator: Client) -> bool:
    """Whether nothing is left that a consumer could see a second time."""
    last = (await operator.jetstream().stream_info(STREAM)).state.last_seq
    positions = await service.db.pool.fetch("SELECT seq FROM projections")
    infos = [await operator.jetstream().consumer_info(STREAM, durable) for durable in DURABLES]
    return all(row["seq"] == last for row in positions) and not any(
        (info.num_pending or 0) + (info.num_ack_pending or 0) for info in infos
    )


async def all_know(service: Service[Any], operator: Client, names: str) -> None:
    async def complete() -> bool:
        assert [await listed(service, name) for name in LISTS] == [list(names)] * 3
        assert [await greeted(service, durable) for durable in DURABLES] == [list(names)] * 3
        return await have_read_all(service, operator)

    await eventually(complete)


async def subjects(operator: Client) -> list[str]:
    js = operator.jetstream()
    last = (await js.stream_info(STREAM)).state.last_seq
    return [(await js.get_msg(STREAM, seq)).subject or "" for seq in range(1, last + 1)]


async def test_releases_of_publisher_and_consumers_differ(
    old: Service[Any], new: Service[Any], consumer: Service[Any], operator: Client
) -> None:
    async with AsyncExitStack() as stack:
        for part in (
            Relay(old),
            feed(consumer, "by_old", Old),
            feed(consumer, "by_new", New),
            Reactor(consumer, greeting("catalog_old", Old)),
            Reactor(consumer, greeting("catalog_new", New)),
            Reactor(consumer, greeting("catalog_both", Old)),
            Reactor(consumer, greeting("catalog_both", New)),
        ):
            await stack.enter_async_context(background(part.run()))
        async with background(feed(consumer, "by_both", Old).run()):
            await register(old, "a", "b")
            await all_know(consumer, operator, "ab")
            await register(new, "c", "d")
            await register(old, "e")
            async with background(Relay(new).run()):
                await all_know(consumer, operator, "abcde")
        await stack.enter_async_context(background(feed(consumer, "by_both", New).run()))
        await stack.enter_async_context(background(Relay(new).run()))
        await register(new, "f")
        await all_know(consumer, operator, "abcdef")
    assert await subjects(operator) == [V1, V1, V2, V1, V2, V1, V1, V2, V1]
    invited = await consumer.db.pool.fetch("SELECT name FROM by_new WHERE invited_by = 'ada' ORDER BY name")
    assert [row["name"] for row in invited] == ["c", "d", "f"], "the newest version is not what was read"


async def test_a_release_does_not_guess_at_what_a_newer_one_wrote(
    old: Service[Any], new: Service[Any]
) -> None:
    await register(new, "a")
    row = await old.db.pool.fetchrow("SELECT * FROM events")
    for read in (old.log.decode, lambda row: cloudevents.encode("auth", row, Old)):
        with pytest.raises(Unavailable):
            read(row)


async def test_versions_cut_off_by_a_crash_are_published(new: Service[Any], operator: Client) -> None:
    await publish_the_newest_alone(new)
    await register(new, "b")

    async def complete() -> bool:
        return await subjects(operator) == [V2, V1, V2, V1]

    async with background(Relay(new).run()):
        await eventually(complete)


async def test_an_older_release_does_not_narrow_what_a_newer_one_reacts_to(
    old: Service[Any], consumer: Service[Any], operator: Client
) -> None:
    async def delivered() -> bool:
        with suppress(NotFoundError):
            info = await operator.jetstream().consumer_info(STREAM, "catalog_both")
            return bool(info.config and info.config.filter_subjects == [V2, V1])
        return False

    newer, older = (Reactor(consumer, greeting("catalog_both", kind)) for kind in (New, Old))
    async with background(Relay(old).run()), background(newer.run()):
        await eventually(delivered)
        await older._declare()  # it begins to run
        await eventually(delivered)


@pytest.mark.parametrize(
    ("first", "then", "inviter"), [(Old, New, None), (New, Old, "ada")], ids=["upgraded", "taken back"]
)
async def test_a_release_that_takes_over_between_two_versions_repeats_and_skips_nothing(
    new: Service[Any],
    consumer: Service[Any],
    operator: Client,
    first: type[PublicEvent],
    then: type[PublicEvent],
    inviter: str | None,
) -> None:
    async def read_up_to(seq: int) -> bool:
        return bool(await consumer.db.pool.fetchval("SELECT seq = $1 FROM projections", seq))

    await publish_the_newest_alone(new)
    async with background(feed(consumer, "by_both", first).run()):
        await eventually(lambda: read_up_to(1))
    async with background(Relay(new).run()), background(feed(consumer, "by_both", then).run()):
        await eventually(lambda: read_up_to(2))
    [row] = await consumer.db.pool.fetch("SELECT name, invited_by FROM by_both")
    assert tuple(row) == ("a", inviter)


async def publish_the_newest_alone(new: Service[Any]) -> None:
    """Account `a`, as a relay does that is killed after the first of the event's two messages."""
    await register(new, "a")
    row = await new.db.pool.fetchrow("SELECT * FROM events")
    stream = EventStream(new.bus, "auth", 1)
    await stream.declare()
    await stream.publish(cloudevents.encode("auth", row, New)[:1])

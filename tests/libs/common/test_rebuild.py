import asyncio
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import asyncpg
import pytest
from nats.js.errors import NotFoundError

from deploy.local.postgres import Postgres
from libs.common.errors import Conflict
from libs.common.event_log import ReadModel
from libs.common.projector import Feed
from libs.common.rebuild import rebuild, verify
from libs.common.relay import Relay, stream_name
from libs.common.service import Service
from tests.libs.common.accounts import (
    DATABASE,
    LISTED,
    OWN,
    Env,
    Switch,
    accounts,
    auth,
    catalog,
    environment,
    register,
    reset_database,
    reset_streams,
    running,
    switch,
)
from tests.libs.common.waiting import background, eventually

SHAPE = """
SELECT table_schema, table_name, 'column', column_name || ' ' || data_type FROM information_schema.columns
UNION ALL SELECT schemaname, tablename, 'index', indexname FROM pg_indexes
UNION ALL SELECT table_schema, table_name, grantee, privilege_type FROM information_schema.role_table_grants
ORDER BY 1, 2, 3, 4
"""


@pytest.fixture
async def publisher(postgres: Postgres, nats: str, service_env: Env) -> AsyncIterator[Service[Any]]:
    await reset_database(postgres.superuser_url)
    await reset_streams(nats)
    async with running(auth, service_env) as service, background(Relay(service).run()):
        await eventually(lambda: has_a_stream(service))
        yield service


@pytest.fixture
async def consumer(publisher: Service[Any], service_env: Env) -> AsyncIterator[Service[Any]]:
    async with running(catalog, service_env) as service, background(Feed(service, LISTED, "auth").run()):
        yield service


@pytest.fixture
async def superuser(postgres: Postgres, publisher: Service[Any]) -> AsyncIterator[asyncpg.Connection]:
    con = await asyncpg.connect(postgres.superuser_url.rsplit("/", 1)[0] + f"/{DATABASE}")
    yield con
    await con.close()


@pytest.fixture
def owner_urls(service_env: Env) -> dict[str, str]:
    return {name: environment(service_env, name)["database_owner_url"] for name in ("auth", "catalog")}


async def has_a_stream(service: Service[Any]) -> bool:
    try:
        await service.bus.js.stream_info(stream_name(service.name))
    except NotFoundError:
        return False
    return True


async def shape(superuser: asyncpg.Connection, table: str) -> list[tuple[str, ...]]:
    return [tuple(row) for row in await superuser.fetch(SHAPE) if row[1] == table]


async def populate(publisher: Service[Any], number: int = 20) -> None:
    for index in range(number):
        await switch(publisher, await register(publisher, f"user-{index}"), times=index % 5)


async def same_rows(publisher: Service[Any], consumer: Service[Any]) -> bool:
    query = "SELECT account_id, active, changes, version FROM {} ORDER BY account_id"
    own = await publisher.db.pool.fetch(query.format("own_accounts"))
    return bool(own == await consumer.db.pool.fetch(query.format("listed_accounts")))


async def test_a_read_model_equals_its_rebuild(publisher: Service[Any], owner_urls: dict[str, str]) -> None:
    await populate(publisher)
    [report] = await verify(publisher, owner_urls["auth"])
    assert (report.model, report.equal, report.events) == ("own_accounts", True, 60)
    assert report.tables[0].rows == 20


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE own_accounts SET changes = 99 WHERE username = 'user-3'",
        "DELETE FROM own_accounts WHERE username = 'user-3'",
        "INSERT INTO own_accounts SELECT gen_random_uuid(), 'nobody', true, 0, 1",
    ],
)
async def test_damage_is_reported_and_repaired(
    publisher: Service[Any], owner_urls: dict[str, str], damage: str
) -> None:
    await populate(publisher)
    await publisher.db.pool.execute(damage)
    [found] = await verify(publisher, owner_urls["auth"])
    assert not found.equal
    assert found.tables[0].missing + found.tables[0].unexpected == len(found.tables[0].samples)
    repaired = await rebuild(publisher, OWN, owner_urls["auth"])
    assert repaired.tables == found.tables
    [after] = await verify(publisher, owner_urls["auth"])
    assert after.equal


async def test_the_new_table_is_like_the_old_one(
    publisher: Service[Any], owner_urls: dict[str, str], superuser: asyncpg.Connection
) -> None:
    await populate(publisher, 3)
    before = await shape(superuser, "own_accounts")
    assert any(kind == "index" for _, _, kind, _ in before)
    assert any(kind == "auth" for _, _, kind, _ in before)
    await rebuild(publisher, OWN, owner_urls["auth"])
    assert await shape(superuser, "own_accounts") == before


async def test_what_is_personal_is_there_again(publisher: Service[Any], owner_urls: dict[str, str]) -> None:
    account = await register(publisher, "ada")
    await rebuild(publisher, OWN, owner_urls["auth"])
    name = "SELECT username FROM own_accounts"
    assert await publisher.db.pool.fetchval(name) == "ada"
    async with publisher.transaction() as tx:
        await publisher.keys.erase(await tx.connection(), account)
    await rebuild(publisher, OWN, owner_urls["auth"])
    assert await publisher.db.pool.fetchval(name) is None


@pytest.mark.parametrize(("owner", "model"), [("auth", OWN), ("catalog", LISTED)])
async def test_writers_go_on_and_nothing_is_lost(
    publisher: Service[Any],
    consumer: Service[Any],
    owner_urls: dict[str, str],
    owner: str,
    model: ReadModel,
) -> None:
    """Rebuilt again and again under load: afterwards every row is what its events say."""
    stop = asyncio.Event()

    async def write() -> None:
        for number in count():
            account = await register(publisher, f"user-{number}")
            await switch(publisher, account, times=2)
            await switch(publisher, account)
            if stop.is_set():
                return

    service = publisher if owner == "auth" else consumer
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(write())
        for _ in range(5):
            report = await rebuild(service, model, owner_urls[owner])
            assert report.equal, report
        stop.set()
    await eventually(lambda: same_rows(publisher, consumer))
    for name, one in (("auth", publisher), ("catalog", consumer)):
        assert [report.equal for report in await verify(one, owner_urls[name])] == [True]


async def test_it_waits_for_a_writer_that_has_not_committed(
    publisher: Service[Any], owner_urls: dict[str, str], superuser: asyncpg.Connection
) -> None:
    account = await register(publisher)
    async with publisher.transaction() as tx:
        await tx.handle(accounts, account, Switch())
        rebuilding = asyncio.create_task(rebuild(publisher, OWN, owner_urls["auth"]))
        waiting = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
        await eventually(lambda: superuser.fetchval(waiting))
        assert not rebuilding.done()
    assert (await rebuilding).equal
    assert await publisher.db.pool.fetchval("SELECT changes FROM own_accounts") == 1


async def test_one_rebuild_at_a_time(
    publisher: Service[Any], owner_urls: dict[str, str], superuser: asyncpg.Connection
) -> None:
    account = await register(publisher)
    async with publisher.transaction() as tx:
        await tx.handle(accounts, account, Switch())
        first = asyncio.create_task(rebuild(publisher, OWN, owner_urls["auth"]))
        held = "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'relation' AND NOT granted"
        await eventually(lambda: superuser.fetchval(held))
        with pytest.raises(Conflict, match="already"):
            await rebuild(publisher, OWN, owner_urls["auth"])
    await first


async def test_a_model_across_services_is_rebuilt_as_far_as_it_was(
    publisher: Service[Any], consumer: Service[Any], owner_urls: dict[str, str]
) -> None:
    await populate(publisher)
    await eventually(lambda: same_rows(publisher, consumer))
    await consumer.db.pool.execute("UPDATE listed_accounts SET changes = 99")
    report = await rebuild(consumer, LISTED, owner_urls["catalog"])
    assert (report.tables[0].missing, report.tables[0].unexpected, report.events) == (20, 20, 60)
    assert await same_rows(publisher, consumer)
    await populate(publisher, 3)
    await eventually(lambda: same_rows(publisher, consumer))


async def test_a_source_that_has_published_nothing_yet_is_said_to_be_so(
    postgres: Postgres, nats: str, service_env: Env, owner_urls: dict[str, str]
) -> None:
    await reset_database(postgres.superuser_url)
    await reset_streams(nats)
    async with running(catalog, service_env) as consumer:
        with pytest.raises(Conflict, match="auth has not published"):
            await rebuild(consumer, LISTED, owner_urls["catalog"])

"""The embedded servers are private to their accounts, and come back with their data when they die."""

import os
from collections.abc import AsyncIterator, Callable

import asyncpg
import httpx
import nats as broker
import pytest
from minio import Minio
from nats.aio.client import Client

from deploy.local.object_store import BUCKET
from deploy.local.postgres import Postgres
from deploy.local.stack import SERVERS, Stack

Env = Callable[[str], dict[str, str]]


def object_client(env: dict[str, str]) -> Minio:
    return Minio(
        env["S3_ENDPOINT"].removeprefix("http://"),
        access_key=env["S3_ACCESS_KEY"],
        secret_key=env["S3_SECRET_KEY"],
        region=env["S3_REGION"],
        secure=False,
    )


async def test_a_service_writes_rows_and_defines_nothing(postgres: Postgres, service_env: Env) -> None:
    env = service_env("catalog")
    owner = await asyncpg.connect(env["DATABASE_OWNER_URL"])
    service = await asyncpg.connect(env["DATABASE_URL"])
    try:
        await owner.execute("CREATE TABLE thing (id bigserial PRIMARY KEY)")
        await service.execute("INSERT INTO thing DEFAULT VALUES")
        assert await service.fetchval("SELECT count(*) FROM catalog.thing") == 1
        for ddl in ("CREATE TABLE other ()", "DROP TABLE thing", "TRUNCATE thing", "CREATE SCHEMA x"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await service.execute(ddl)
    finally:
        await owner.execute("DROP TABLE thing")
        await owner.close()
        await service.close()


async def test_a_service_cannot_see_another_ones_schema(postgres: Postgres, service_env: Env) -> None:
    service = await asyncpg.connect(service_env("catalog")["DATABASE_URL"])
    try:
        assert not await service.fetchval("SELECT has_schema_privilege('auth', 'USAGE')")
    finally:
        await service.close()


async def test_nobody_connects_without_a_password(postgres: Postgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.url("catalog", "guess"))


@pytest.fixture
async def catalog_nats(nats: str, service_env: Env) -> AsyncIterator[Client]:
    async def ignore(_: Exception) -> None:
        """Refusals arrive here; the tests look at what they prevent."""

    url = service_env("catalog")["NATS_URL"]
    connection = await broker.connect(url, error_cb=ignore, inbox_prefix="_INBOX.catalog")
    yield connection
    await connection.close()


async def _flush(client: Client) -> None:
    for _ in range(2):  # the PING of the first may overtake what is still in the client's buffer
        await client.flush()


async def test_a_service_publishes_under_its_own_name_only(catalog_nats: Client, nats: str) -> None:
    operator = await broker.connect(nats)
    try:
        everything = await operator.subscribe("vitrine.>")
        await _flush(operator)
        await catalog_nats.publish("vitrine.auth.account_erased.v1", b"forged")
        await catalog_nats.publish("vitrine.catalog.product_created.v1", b"true")
        assert (await everything.next_msg(60)).data == b"true"
    finally:
        await operator.close()


async def test_a_service_cannot_listen_to_answers_for_another(catalog_nats: Client, nats: str) -> None:
    operator = await broker.connect(nats)
    try:
        overheard = await catalog_nats.subscribe("_INBOX.auth.>")
        heard = await catalog_nats.subscribe("_INBOX.catalog.>")
        await _flush(catalog_nats)
        await operator.publish("_INBOX.auth.1", b"secret")
        await operator.publish("_INBOX.catalog.1", b"answer")
        await _flush(operator)
        assert (await heard.next_msg(60)).data == b"answer"
        assert overheard.pending_msgs == 0
    finally:
        await operator.close()


async def test_only_the_owner_changes_a_stream(catalog_nats: Client, nats: str) -> None:
    operator = await broker.connect(nats)
    try:
        await operator.jetstream().add_stream(name="ev_auth", subjects=["vitrine.auth.>"])
        catalog, impatient = (catalog_nats.jetstream(timeout=seconds) for seconds in (60, 0.5))
        assert (await catalog.stream_info("ev_auth")).config.name == "ev_auth"
        for change in (impatient.delete_stream, impatient.purge_stream):
            with pytest.raises(TimeoutError):  # what is not permitted gets no answer
                await change("ev_auth")
        assert (await catalog.stream_info("ev_auth")).config.name == "ev_auth"
        await catalog.add_stream(name="ev_catalog", subjects=["vitrine.catalog.>"])
        await catalog.delete_stream("ev_catalog")
    finally:
        await operator.jetstream().delete_stream("ev_auth")
        await operator.close()


async def test_the_bucket_is_private(stack: Stack) -> None:
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{stack.object_store.endpoint}/{BUCKET}/")).status_code == 403
    assert stack.object_store.data.stat().st_mode & 0o777 == 0o700


class Survivor:
    """One row, one message and one object, which a fault must not take."""

    def __init__(self, stack: Stack) -> None:
        self.database = stack.postgres.superuser_url
        self.nats = stack.nats.url("operator")
        self.objects = object_client(stack.service_env("catalog"))

    async def store(self) -> None:
        database, bus = await asyncpg.connect(self.database), await broker.connect(self.nats)
        await database.execute("CREATE TABLE IF NOT EXISTS public.survivor AS SELECT 1 AS id")
        await bus.jetstream().add_stream(name="survivor", subjects=["survivor"])
        await bus.jetstream().publish("survivor", b"1")
        self.objects.fput_object(BUCKET, "survivor", __file__)
        await database.close()
        await bus.close()

    async def check(self) -> None:
        database, bus = await asyncpg.connect(self.database), await broker.connect(self.nats)
        assert await database.fetchval("SELECT id FROM public.survivor") == 1
        assert (await bus.jetstream().get_last_msg("survivor", "survivor")).data == b"1"
        assert self.objects.stat_object(BUCKET, "survivor").size
        await database.close()
        await bus.close()


@pytest.mark.parametrize("name", SERVERS)
async def test_a_killed_server_comes_back_with_its_data(stack: Stack, name: str) -> None:
    survivor = Survivor(stack)
    await survivor.store()
    before = stack.pid_of(name)
    stack.kill(name)
    stack.wait_ready([name])
    assert stack.pid_of(name) != before
    await survivor.check()


async def test_postgres_starts_when_its_old_pid_belongs_to_somebody_else(stack: Stack) -> None:
    stack.stop_server("postgres")
    (stack.postgres.data / "postmaster.pid").write_text(f"{os.getppid()}\n{stack.postgres.data}\n1\n")
    stack.start_server("postgres")
    assert stack.pid_of("postgres")

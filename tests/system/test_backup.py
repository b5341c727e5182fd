"""The drill: an installation is made anew, on another machine as it were, from what docs/operations.md says to keep."""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from minio import Minio

from deploy.local import services
from deploy.local.object_store import BUCKET
from deploy.local.stack import SERVERS, Stack
from tests.system.client import PASSWORD, Client, MainJob
from tests.system.conftest import ENV
from tests.system.proof import assert_sound, assert_stream_equals_log

SHOWING = ["auth-api", "generation-api", "generation-worker", "gateway"]
"""What it takes to log in, to look at one's pictures, and to publish their events again."""
ALL = [*services.api_names(), *services.worker_names(), "gateway"]


@dataclass(frozen=True)
class Backup:
    directory: Path

    def take(self, stack: Stack) -> None:
        """PostgreSQL first: whatever an event speaks of was in the object store before it."""
        stack.postgres.tool("pg_dumpall", "--globals-only", f"--file={self.directory / 'roles.sql'}")
        stack.postgres.tool("pg_dump", "-Fc", f"--file={self.directory / 'vitrine.dump'}", "vitrine")
        bucket = bucket_of(stack)
        for item in bucket.list_objects(BUCKET, recursive=True):
            bucket.fget_object(
                BUCKET, str(item.object_name), str(self.directory / "objects" / str(item.object_name))
            )
        shutil.copy(stack.run.path / "secrets.json", self.directory)

    def restore_databases(self, stack: Stack) -> None:
        """Into empty servers."""
        roles = (self.directory / "roles.sql").read_text()
        stack.postgres.tool("psql", "-X", "-q", "-d", "postgres", script=roles)
        stack.postgres.tool(
            "pg_restore",
            "--create",
            "--exit-on-error",
            "-d",
            "postgres",
            str(self.directory / "vitrine.dump"),
        )

    def restore_objects(self, stack: Stack) -> None:
        objects = self.directory / "objects"
        bucket = bucket_of(stack)
        for file in objects.rglob("*"):
            if file.is_file():
                bucket.fput_object(BUCKET, str(file.relative_to(objects)), str(file))


def bucket_of(stack: Stack) -> Minio:
    address = stack.object_store.endpoint.removeprefix("http://")
    keys = stack.secrets.s3_access_key, stack.secrets.s3_secret_key
    return Minio(address, *keys, region="us-east-1", secure=False)


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Kept short and open to PostgreSQL's account."""
    directory = tmp_path_factory.mktemp("elsewhere")
    yield directory
    shutil.rmtree(directory)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "processes", [SHOWING, pytest.param(ALL, marks=pytest.mark.faults)], ids=["pictures", "all"]
)
async def test_an_installation_is_restored_from_its_backup(
    processes: list[str], system: Stack, tmp_path: Path, elsewhere: Path
) -> None:
    system.wait_ready()
    email = f"{uuid4().hex[:12]}@example.org"
    backup = Backup(tmp_path)
    async with Client(system.url) as client:
        await client.post("/auth/register", json={"email": email, "password": PASSWORD})
        await client.log_in(email=email, password=PASSWORD)
        job = await client.main_job(seed=5)
        await job.assert_exactly_one_result(client)
        pictures = await pictures_of(client, job)
    await asyncio.to_thread(backup.take, system)
    shutil.copy(tmp_path / "secrets.json", elsewhere)
    with Stack(elsewhere, env=ENV) as restored:
        await started(restored, SERVERS)
        await asyncio.to_thread(backup.restore_databases, restored)
        await asyncio.to_thread(backup.restore_objects, restored)
        await started(restored, processes)
        async with Client(restored.url) as client:
            await client.log_in(email=email, password=PASSWORD)
            assert await pictures_of(client, job) == pictures
            await assert_stream_equals_log(restored, "generation")
            if processes == ALL:
                await job.assert_exactly_one_result(client)
                await (await client.main_job(seed=6)).assert_exactly_one_result(client)
                await assert_sound(restored)


async def started(stack: Stack, names: "list[str] | tuple[str, ...]") -> None:
    await asyncio.gather(*(asyncio.to_thread(stack.start_server, name) for name in names))


async def pictures_of(client: Client, job: MainJob) -> list[bytes]:
    """Fetched with the addresses that the gallery signs."""
    items = (await client.get(f"/products/{job.product}/gallery"))["items"]
    assert items
    async with httpx.AsyncClient(timeout=60) as anybody:
        answers = [await anybody.get(item["url"]) for item in items]
    assert {answer.status_code for answer in answers} == {200}
    return [answer.content for answer in answers]

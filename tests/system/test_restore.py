"""A server comes back with less than it had. What PostgreSQL holds is the truth, whatever the others remember."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deploy import SERVICES
from deploy.local.stack import Stack
from libs.common.bus import Bus
from libs.common.database import connect
from libs.common.projector import position_of
from tests.libs.common.waiting import eventually
from tests.system.client import Client, MainJob
from tests.system.effects import Effects, counted, effects, reactions_are_idle
from tests.system.proof import assert_published_in_order, assert_sound

PATIENCE = 60.0
JOBS = pytest.mark.parametrize("jobs", [1, pytest.param(8, marks=pytest.mark.faults)])
pytestmark = pytest.mark.timeout(600)


@JOBS
async def test_an_empty_nats_is_filled_again(jobs: int, client: Client, system: Stack) -> None:
    await finished(client, begin(client, jobs))
    before = await settled(system)
    under_way = begin(client, jobs)
    async with stopped(system, "nats"):
        shutil.rmtree(system.nats.store)
    await eventually(lambda: heard_again(system, before, len(before.handled)), PATIENCE)
    await finished(client, under_way)
    before.assert_not_repeated_by(await settled(system))
    await assert_sound(system)


@JOBS
async def test_a_nats_rolled_back_gets_its_tail_again(
    jobs: int, client: Client, system: Stack, tmp_path: Path
) -> None:
    older = await settled(system)
    async with stopped(system, "nats"):
        shutil.copytree(system.nats.store, tmp_path / "older")
    await finished(client, begin(client, jobs))
    before = await settled(system)
    under_way = begin(client, jobs)
    async with stopped(system, "nats"):
        shutil.rmtree(system.nats.store)
        shutil.copytree(tmp_path / "older", system.nats.store)
    await eventually(lambda: heard_again(system, before, len(before.handled - older.handled)), PATIENCE)
    await finished(client, under_way)
    before.assert_not_repeated_by(await settled(system))
    await assert_sound(system)


@JOBS
async def test_an_older_postgres_is_said_loudly_and_published_anew(
    jobs: int, client: Client, system: Stack
) -> None:
    """One publisher is away meanwhile: who reads its stream comes to events that its log has never had."""
    kept = await finished(client, begin(client, jobs))
    before = await settled(system)
    data, older = system.postgres.data, system.run.path / "postgres.older"
    async with stopped(system, "postgres"):
        await asyncio.to_thread(copy_with_owner, data, older)
    async with Client(system.url) as newcomer:
        lost = await finished(newcomer, begin(await newcomer.sign_in(), jobs))
        await settled(system)
        said, begun_again = misfits_said(system), await times_begun_again(system)
        async with stopped(system, "catalog-worker"):
            async with stopped(system, "postgres"):
                shutil.rmtree(data)
                older.rename(data)
                under_way = begin(client, jobs)
            await eventually(lambda: has_read_everything(system), PATIENCE)
        await eventually(lambda: all_published_anew(system, said), PATIENCE)
        for job in lost:
            assert (await newcomer.persist("GET", f"/products/{job.product}")).status_code == 404
    await finished(client, under_way)
    for job in kept:
        await job.assert_exactly_one_result(client)
    before.assert_kept_by(await settled(system))
    await assert_sound(system)
    assert await times_begun_again(system) > begun_again


def begin(client: Client, jobs: int) -> "asyncio.Future[list[MainJob]]":
    """Main jobs that go on by themselves."""
    return asyncio.gather(*(client.main_job(seed) for seed in range(jobs)))


async def finished(client: Client, under_way: "asyncio.Future[list[MainJob]]") -> list[MainJob]:
    jobs = await under_way
    for job in jobs:
        await job.assert_exactly_one_result(client)
    return jobs


@asynccontextmanager
async def stopped(system: Stack, server: str) -> AsyncIterator[None]:
    await asyncio.to_thread(system.stop_server, server)
    try:
        yield
    finally:
        await asyncio.to_thread(system.start_server, server)


def copy_with_owner(data: Path, copy: Path) -> None:
    """As PostgreSQL insists on its owner, which `shutil` would not keep."""
    subprocess.run(["cp", "-a", data, copy], check=True)


async def settled(system: Stack) -> Effects:
    """What has been done when nothing is left to do."""
    await assert_published_in_order(system)
    await eventually(lambda: reactions_are_idle(system), PATIENCE)
    return await effects(system)


async def heard_again(system: Stack, before: Effects, events: int) -> bool:
    return (await effects(system)).repeated - before.repeated >= events > 0


async def has_read_everything(system: Stack) -> bool:
    """Analysis, of the catalog's stream as it is."""
    bus = await Bus.connect(system.nats.url("operator"), "test")
    con = await connect(system.service_env("analysis")["DATABASE_URL"], "analysis")
    try:
        last = (await bus.js.stream_info("ev_catalog")).state.last_seq
        return (await position_of(con, "refs_products", "catalog")).seq == last
    finally:
        await con.close()
        await bus.close()


async def times_begun_again(system: Stack) -> int:
    """The read models that analysis feeds from the catalog."""
    return await counted(system, "analysis", "vitrine_projection_resets_total", source="catalog")


def misfits_said(system: Stack) -> dict[str, int]:
    """How often each service's log told its operator."""
    logs = {name: system.run.logs / f"{name}-worker.log" for name in SERVICES}
    return {name: log.read_text().count("does not fit the log: its last event") for name, log in logs.items()}


async def all_published_anew(system: Stack, said: dict[str, int]) -> bool:
    for name, times in misfits_said(system).items():
        assert times == said[name] + 1, name
        assert await counted(system, name, "vitrine_relay_streams_recreated_total"), name
    return True

"""Workers killed with -9 at any moment: every job has exactly one result, and no stored answer is paid for twice."""

import asyncio
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from uuid_utils.compat import uuid7

from deploy.local.postgres import Postgres
from libs.common.bus import Bus
from libs.common.database import Database
from tests.libs.common.counters import SCHEMA
from tests.libs.common.jobs.chores import accept, service_of, state_of

STEPS = 3


@pytest.mark.parametrize(("count", "kills"), [(15, 3), pytest.param(60, 12, marks=pytest.mark.faults)])
async def test_killed_workers_leave_exactly_one_result(
    count: int, kills: int, scratch_url: str, postgres: Postgres, nats: str
) -> None:
    db, bus = await Database.connect(scratch_url, SCHEMA), await Bus.connect(nats, "test")
    service = service_of(db, bus)
    admin = await Database.connect(postgres.superuser_url, SCHEMA)
    await admin.pool.execute(
        f"CREATE TABLE spent (job_id uuid, number integer); GRANT ALL ON spent TO {SCHEMA}"
    )
    jobs = [uuid7() for _ in range(count)]
    for job_id in jobs:
        await accept(service, job_id, uuid7(), STEPS, limit=1000)

    with workers(2, scratch_url, nats) as running:
        for _ in range(kills):
            before = await db.pool.fetchval("SELECT count(*) FROM spent")
            await until(db, "SELECT count(*) > $1 FROM spent", before + random.randint(1, STEPS))
            running.kill_one()
        async with asyncio.timeout(240):
            await until(db, "SELECT count(*) = $1 FROM job_queue", 0)

    for job_id in jobs:
        job = await state_of(service, job_id)
        assert (job.status, len(job.steps)) == ("completed", STEPS)
    finished = "SELECT count(*) FROM events WHERE type = 'scratch.job_finished'"
    assert await db.pool.fetchval(finished) == count
    # A call whose answer a killed worker could not store is made again; no other is.
    assert count * STEPS <= await db.pool.fetchval("SELECT count(*) FROM spent") <= count * STEPS + kills * 4
    for part in (bus, db, admin):
        await part.close()


async def until(db: Database, condition: str, value: int) -> None:
    while not await db.pool.fetchval(condition, value):
        await asyncio.sleep(0.01)


class Workers:
    """Worker processes of four slots each; a killed one is replaced."""

    def __init__(self, count: int, *arguments: str) -> None:
        self._command = [sys.executable, "-m", "tests.libs.common.jobs.chores", *arguments, "4"]
        self.processes = [self._start() for _ in range(count)]

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(self._command)

    def kill_one(self) -> None:
        victim = random.randrange(len(self.processes))
        self.processes[victim].kill()
        self.processes[victim].wait()
        self.processes[victim] = self._start()


@contextmanager
def workers(count: int, *arguments: str) -> Iterator[Workers]:
    running = Workers(count, *arguments)
    try:
        yield running
    finally:
        for process in running.processes:
            process.kill()
            process.wait()

"""A job with nothing to do but steps: what the engine's own tests run, and a program that works on it.

`python -m tests.libs.common.jobs.chores URL NATS_URL SLOTS` is a worker process, made to be killed.
"""

import asyncio
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from libs.common.bus import Bus
from libs.common.contracts import jobs
from libs.common.database import Database, Transaction
from libs.common.decider import Decider
from libs.common.event_log import EventLog
from libs.common.jobs import lifecycle, queue
from libs.common.jobs.engine import Engine
from libs.common.jobs.lifecycle import Job, JobCommand, JobEvents
from libs.common.jobs.work import JobKind, RunningJob
from libs.common.messages import Command, Meta
from libs.common.privacy import KeyRing
from libs.common.service import Definition, Service
from tests.libs.common.counters import MASTER_KEY, SCHEMA
from tests.libs.common.waiting import eventually


class Do(Command):
    """`owner_id`'s chore of so many steps."""

    owner_id: UUID
    steps: int


class JobQueued(jobs.JobQueued):
    event_name = "scratch.job_queued"


class JobStarted(jobs.JobStarted):
    event_name = "scratch.job_started"


class JobProgressed(jobs.JobProgressed):
    event_name = "scratch.job_progressed"


class JobFinished(jobs.JobFinished):
    event_name = "scratch.job_finished"


ANNA, BEN = UUID(int=1), UUID(int=2)
EVENTS = JobEvents(JobQueued, JobStarted, JobProgressed, JobFinished)


@dataclass(frozen=True)
class Chore:
    job: Job = field(default_factory=Job)


def decide(command: Do | JobCommand, chore: Chore) -> list[Any]:
    if isinstance(command, Do):
        queued = JobQueued(owner_id=command.owner_id, job_type="chore", title="a chore", total=command.steps)
        return [queued] if chore.job.status == "new" else []
    return list(lifecycle.decide(command, chore.job, EVENTS))


def evolve(chore: Chore, event: Any) -> Chore:
    return replace(chore, job=lifecycle.evolve(chore.job, event))


chores: Decider[Chore, Any, Any] = Decider("chore", Chore(), decide, evolve)
log = EventLog(SCHEMA, [JobQueued, JobStarted, JobProgressed, JobFinished])

Call = Callable[[RunningJob[Chore], int], Any]


def chore_kind(call: Call) -> JobKind[Chore]:
    """Each step makes one journaled `call(job, number)`, which stands for a provider's."""

    async def perform(job: RunningJob[Chore]) -> dict[str, Any]:
        for number in range(job.state.job.total):
            await job.step(f"step-{number}", partial(call, job, number))
            await job.progress(f"step-{number}")
        return {"steps": job.state.job.total}

    return JobKind("chore", chores, perform)


def service_of(db: Database, bus: Any) -> Service[Any]:
    """The parts of a service that the engine uses."""
    settings: Any = SimpleNamespace(master_key=MASTER_KEY)
    objects: Any = None
    definition: Any = Definition(SCHEMA, SimpleNamespace, log)
    return Service(definition, settings, db, bus, objects)


async def accept(
    service: Service[Any],
    job_id: UUID,
    owner_id: UUID,
    steps: int = 1,
    limit: int = 50,
    meta: Meta | None = None,
) -> None:
    async with service.transaction(meta) as tx:
        await tx.handle(chores, job_id, Do(owner_id=owner_id, steps=steps))
        await queue.enqueue(tx, "chore", job_id, owner_id, limit)


async def state_of(service: Service[Any], job_id: UUID) -> Job:
    tx = Transaction(service.db, log, KeyRing(MASTER_KEY), Meta())
    state = (await tx.state(chores, job_id)).state
    await tx.rollback()
    return state.job


async def nothing(*_: Any) -> dict[str, Any]:
    """The `call` that always succeeds."""
    return {}


async def at_end(service: Service[Any], job_id: UUID) -> Job:
    async def over() -> Job | None:
        job = await state_of(service, job_id)
        return job if job.over else None

    job: Job = await eventually(over)
    return job


async def main(url: str, nats_url: str, slots: int) -> None:
    db, bus = await Database.connect(url, SCHEMA, size=8), await Bus.connect(nats_url, "worker")

    async def pay(job: RunningJob[Chore], number: int) -> dict[str, Any]:
        """Each row of `spent` is money."""
        await db.pool.execute("INSERT INTO spent VALUES ($1, $2)", job.job_id, number)
        await asyncio.sleep(random.uniform(0.02, 0.08))
        return {"number": number}

    await Engine(service_of(db, bus), [chore_kind(pay)], slots, timeout=60, lease=3.0).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))

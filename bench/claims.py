"""Claims of jobs from a short and from a long queue, beside an update of one row by its key: the least that takes."""

from typing import Any
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from bench.harness import Bar, interleave, rate, report
from bench.system import opened, servers
from libs.common.jobs import queue
from libs.common.service import Service
from services.generation.requests.domain import JOB_TYPE
from services.generation.store import definition

SHORT, LONG = 100, 6_500
"""Waiting jobs; the long queue is that of docs/operations.md at 3,000 jobs a minute."""
OWNERS = 20
CLAIMERS = 4
SECONDS = 1.0
WORKER = UUID(int=1)


async def main() -> bool:
    async with servers() as stack, opened(stack, definition) as service:
        admin = await asyncpg.connect(stack.postgres.superuser_url)

        async def claims(waiting: int) -> float:
            await _fill(admin, waiting)
            return await rate(CLAIMERS, lambda _: _claim_and_give_back(service), SECONDS)

        async def updates() -> float:
            ids = await _fill(admin, SHORT)
            update = "UPDATE job_queue SET attempts = attempts + 1 WHERE job_id = $1"
            return await rate(CLAIMERS, lambda writer: service.db.pool.execute(update, ids[writer]), SECONDS)

        results = await interleave(
            {
                "claims, short queue": lambda: claims(SHORT),
                "claims, long queue": lambda: claims(LONG),
                "updates": updates,
            },
            rounds=5,
        )
        await admin.close()
    bars = [Bar("claims, long queue", "claims, short queue", 0.1)]
    return report("claims and returns of jobs", "/s", results, bars)


async def _fill(admin: asyncpg.Connection, waiting: int) -> list[UUID]:
    ids = [uuid7() for _ in range(waiting)]
    rows = [(job_id, JOB_TYPE, UUID(int=number % OWNERS)) for number, job_id in enumerate(ids)]
    await admin.execute("TRUNCATE generation.job_queue")
    await admin.executemany(
        "INSERT INTO generation.job_queue (job_id, kind, owner_id) VALUES ($1, $2, $3)", rows
    )
    await admin.execute("ANALYZE generation.job_queue")
    return ids


async def _claim_and_give_back(service: Service[Any]) -> None:
    """The queue stays as long as it is."""
    claim = await queue.claim(service.db, WORKER, [JOB_TYPE], 30.0)
    assert claim, "there are more jobs than claimers"
    await queue.release(service.db, WORKER, claim.job_id, 0.0, counts=False)

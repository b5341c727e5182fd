"""The queue of a service's jobs: one table, claimed with SKIP LOCKED under a lease, fair between users.

The queue holds only work that is not over; what happened to a job is in its stream.
"""

from dataclasses import dataclass
from math import ceil
from uuid import UUID

import asyncpg

from libs.common.contracts.jobs import FailedAttempt
from libs.common.database import Database, Transaction
from libs.common.errors import TooMany

# A server that crashes may forget a claim, but none whose attempt has begun, and no call is made before that: so
# nobody waits until a claim is on the disk.
_CLAIM = """
WITH busy AS (SELECT owner_id, count(*) AS jobs FROM job_queue WHERE lease_until > now() GROUP BY owner_id)
UPDATE job_queue SET worker_id = $1, lease_until = now() + $3 * interval '1 s', attempts = attempts + 1
FROM (SELECT set_config('synchronous_commit', 'off', true)) AS hurry
WHERE job_id = (
  SELECT q.job_id FROM job_queue q LEFT JOIN busy USING (owner_id)
  WHERE q.kind = ANY($2) AND q.available_at <= now() AND coalesce(q.lease_until, '-infinity') < now()
  ORDER BY coalesce(busy.jobs, 0), q.queued_at
  LIMIT 1 FOR UPDATE OF q SKIP LOCKED)
RETURNING job_id, kind, owner_id, attempts, cancelled, traceparent, coalesce(
  (SELECT meta->>'correlation_id' FROM events WHERE stream_id = job_id AND version = 1), job_id::text) AS correlation_id
"""
_RENEW = """
UPDATE job_queue SET lease_until = now() + $2 * interval '1 s' WHERE worker_id = $1 AND job_id = ANY($3)
RETURNING job_id, cancelled
"""
_RELEASE = """
UPDATE job_queue SET worker_id = NULL, lease_until = NULL, attempts = attempts - $4,
  available_at = CASE WHEN cancelled THEN now() ELSE now() + $3 * interval '1 s' END
WHERE job_id = $1 AND worker_id = $2
"""

_NOTE_DURATION = """
WITH free AS (SELECT FROM job_stats WHERE kind = $1 FOR UPDATE SKIP LOCKED)
INSERT INTO job_stats AS s
SELECT $1, $2 WHERE EXISTS (SELECT FROM free) OR NOT EXISTS (SELECT FROM job_stats WHERE kind = $1)
ON CONFLICT (kind) DO UPDATE SET seconds = 0.8 * s.seconds + 0.2 * excluded.seconds
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A job taken under a lease; `attempts` counts those since its last progress, this one included.

    `correlation_id` and `traceparent` are those of the request that it was accepted in.
    """

    job_id: UUID
    kind: str
    owner_id: UUID
    attempts: int
    cancelled: bool
    traceparent: str | None
    correlation_id: str


async def enqueue(tx: Transaction, kind: str, job_id: UUID, owner_id: UUID, limit: int) -> None:
    """Admits a job in the transaction that accepts its command; the limit holds for the whole installation.

    Raises TooMany (`queue_full`) with the time after which a place should be free.
    """
    con = await tx.connection()
    await con.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"admit:{tx.log.schema}:{kind}"
    )
    waiting = await con.fetchval("SELECT count(*) FROM job_queue WHERE kind = $1", kind)
    if waiting >= limit:
        seconds = await con.fetchval("SELECT seconds FROM job_stats WHERE kind = $1", kind) or 1.0
        raise TooMany(
            f"{waiting} {kind} jobs are waiting or running already, which is the limit",
            code="queue_full",
            retry_after=ceil(seconds),
        )
    await con.execute(
        "INSERT INTO job_queue (job_id, kind, owner_id, traceparent) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        job_id,
        kind,
        owner_id,
        tx.meta.traceparent,
    )
    tx.wake_on_commit("jobs")


async def claim(db: Database, worker_id: UUID, kinds: list[str], lease: float) -> Claim | None:
    """The next job, leased for `lease` seconds: first of the user with the fewest running, then the oldest."""
    row = await db.pool.fetchrow(_CLAIM, worker_id, kinds, lease)
    return Claim(**row) if row else None


async def renew(db: Database, worker_id: UUID, jobs: list[UUID], lease: float) -> dict[UUID, bool]:
    """Prolongs the leases of this worker's jobs; each job that is still ours, with whether it is to be cancelled."""
    return {row["job_id"]: row["cancelled"] for row in await db.pool.fetch(_RENEW, worker_id, lease, jobs)}


async def release(db: Database, worker_id: UUID, job_id: UUID, delay: float, *, counts: bool = True) -> None:
    """Gives a job back, to be taken again after `delay` seconds; `counts=False` for what was not its fault."""
    await db.pool.execute(_RELEASE, job_id, worker_id, delay, 0 if counts else 1)


async def hold(con: asyncpg.Connection, job_id: UUID, worker_id: UUID) -> bool:
    """Locks the job's row, if it is this worker's still. Whoever changes row and stream takes the row first, or two of
    them wait for each other.

    Not so firmly that a paid answer would have to wait before it is journaled.
    """
    query = "SELECT true FROM job_queue WHERE job_id = $1 AND worker_id = $2 FOR NO KEY UPDATE"
    return bool(await con.fetchval(query, job_id, worker_id))


async def progressed(con: asyncpg.Connection, job_id: UUID) -> None:
    """Progress was made: earlier failed attempts are forgiven."""
    await con.execute("UPDATE job_queue SET attempts = 1 WHERE job_id = $1 AND attempts > 1", job_id)


async def remove(con: asyncpg.Connection, job_id: UUID, worker_id: UUID | None = None) -> bool:
    """Takes a finished job out, its journal with it; with `worker_id` only if the lease is still that worker's."""
    removed = await con.fetchval(
        "DELETE FROM job_queue WHERE job_id = $1 AND ($2::uuid IS NULL OR worker_id = $2) RETURNING true",
        job_id,
        worker_id,
    )
    return bool(removed)


async def asked_in_vain(con: asyncpg.Connection, job_id: UUID) -> dict[str, list[FailedAttempt]]:
    """By step, those of every attempt of the job."""
    rows = await con.fetch(
        "SELECT step, failed_attempts FROM job_calls WHERE job_id = $1 ORDER BY step", job_id
    )
    return {
        row["step"]: [FailedAttempt.model_validate(one) for one in row["failed_attempts"]] for row in rows
    }


async def note_duration(con: asyncpg.Connection, kind: str, seconds: float) -> None:
    """Keeps the moving average that a refused caller is told to wait.

    Of jobs that end at the same time one is enough: the others do not wait for its commit.
    """
    await con.execute(_NOTE_DURATION, kind, seconds)


async def request_cancel(tx: Transaction, job_id: UUID) -> bool:
    """Marks a running job to be cancelled by its worker; False if it waits and may be cancelled at once."""
    con = await tx.connection()
    row = await con.fetchrow(
        "SELECT coalesce(lease_until > now(), false) AS running FROM job_queue WHERE job_id = $1 FOR UPDATE",
        job_id,
    )
    if row is None or not row["running"]:
        return False
    await con.execute("UPDATE job_queue SET cancelled = true WHERE job_id = $1", job_id)
    tx.wake_on_commit("jobs")
    return True


async def position(db: Database, job_id: UUID) -> int | None:
    """How many jobs of its kind are before a waiting one (0: next); None when it runs or is over."""
    place: int | None = await db.pool.fetchval(
        "SELECT (SELECT count(*) FROM job_queue o WHERE o.kind = q.kind AND o.lease_until IS NULL "
        "AND o.queued_at < q.queued_at) FROM job_queue q WHERE q.job_id = $1 AND q.lease_until IS NULL",
        job_id,
    )
    return place

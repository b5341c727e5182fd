"""What a service answers other services about its jobs, over NATS request/reply."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from libs.common.database import Transaction
from libs.common.decider import Decider
from libs.common.errors import NotFound
from libs.common.jobs import queue
from libs.common.jobs.lifecycle import CancelJob, Job
from libs.common.service import Service


def snapshot(job_id: UUID, job: Job) -> dict[str, Any]:
    """A job as its stream tells it, in canonical state words."""
    finished = job.finished
    return {
        "job_id": str(job_id),
        "owner_id": str(job.owner_id),
        "type": job.job_type,
        "status": job.status,
        "attempts": job.attempt,
        "progress": 100 if job.status == "completed" else 100 * len(job.steps) // max(1, job.total),
        "completed": job.total if job.status == "completed" else len(job.steps),
        "total": job.total,
        "failed": len(job.failures),
        "code": finished.code if finished else None,
        "detail": finished.detail if finished else None,
        "result": finished.result if finished else None,
    }


async def answer_job_questions(
    service: Service[Any], job_streams: Sequence[Decider[Any, Any, Any]], job_of: Callable[[Any], Job]
) -> None:
    """Answers `job` and `cancel_job` for streams of these deciders; `job_of` finds the job in a stream's state."""
    deciders = {decider.stream_type: decider for decider in job_streams}

    async def job(question: dict[str, Any]) -> dict[str, Any]:
        job_id = UUID(question["job_id"])
        async with service.transaction() as tx:
            decider = await _decider(tx, deciders, job_id)
            state = (await tx.state(decider, job_id)).state
        answer = snapshot(job_id, job_of(state))
        return answer | {"queue_position": await queue.position(service.db, job_id)}

    async def cancel(question: dict[str, Any]) -> dict[str, Any]:
        job_id, owner_id = UUID(question["job_id"]), UUID(question["owner_id"])
        async with service.transaction() as tx:
            await cancel_job(tx, await _decider(tx, deciders, job_id), job_id, owner_id, job_of)
        return {}

    await service.bus.answer(service.name, "job", job)
    await service.bus.answer(service.name, "cancel_job", cancel)


async def cancel_job(
    tx: Transaction,
    decider: Decider[Any, Any, Any],
    job_id: UUID,
    owner_id: UUID,
    job_of: Callable[[Any], Job],
) -> None:
    """Cancels a waiting job at once and a running one through its worker.

    Raises NotFound for a stranger's job and Conflict (`job_finished`) for one that is over.
    """
    running = await queue.request_cancel(tx, job_id)
    state = (await tx.state(decider, job_id)).state
    if job_of(state).owner_id != owner_id:
        raise NotFound("no such job", code="job_not_found")
    if not running:
        con = await tx.connection()
        tried = await queue.asked_in_vain(con, job_id)
        await tx.handle(decider, job_id, CancelJob(by=f"user:{owner_id}", failed_attempts=tried))
        await queue.remove(con, job_id)


async def _decider(
    tx: Transaction, deciders: dict[str, Decider[Any, Any, Any]], job_id: UUID
) -> Decider[Any, Any, Any]:
    con = await tx.connection()
    stream_type = await con.fetchval(
        "SELECT stream_type FROM events WHERE stream_id = $1 AND version = 1", job_id
    )
    if stream_type not in deciders:
        raise NotFound("no such job", code="job_not_found")
    return deciders[stream_type]

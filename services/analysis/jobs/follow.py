"""Following a job: what polling, SSE and WebSocket show is one sequence of messages, numbered by its stream.

The table `job_events` is the truth; a notice on the bus only says that it is worth a look.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from libs.common.bus import Listener
from libs.common.contracts.jobs import JobFinished, JobProgressed, JobQueued, JobStarted
from libs.common.event_log import Recorded
from libs.common.http.bodies import rfc3339
from libs.common.http.following import Message, Messages, followed
from libs.common.service import Service
from services.analysis.jobs.activity import messages_after
from services.analysis.jobs.lookup import Job

FINAL = frozenset({"job_complete", "job_failed"})


def announce(service: Service[Any], applied: Sequence[Recorded[Any]]) -> None:
    """For the projector: tells followers that there are new messages."""
    told = (JobQueued, JobStarted, JobProgressed, JobFinished)
    for job_id in {recorded.stream_id for recorded in applied if isinstance(recorded.event, told)}:
        service.bus.notify(_topic(job_id), {"job_id": str(job_id)})


def follow(service: Service[Any], job_id: UUID, after: int) -> Messages:
    """The messages behind version `after`, up to the final one."""

    async def listen(heard: Callable[[], None]) -> Listener:
        return await service.bus.on_notice(_topic(job_id), lambda _: heard())

    return followed(service, listen, partial(_read, service, job_id), after)


async def follow_from(service: Service[Any], job: Job, last_seen: int | None) -> Messages:
    """Begins with a snapshot, or behind what the client has seen; a job that is over still tells its end."""
    after = last_seen
    if after is None:
        yield _snapshot(job)
        after = job["version"] - 1 if job["completed_at"] else job["version"]
    async with aclosing(follow(service, job["job_id"], after)) as messages:
        async for message in messages:
            yield message


async def wait_for_end(service: Service[Any], job_id: UUID, seconds: float) -> Message | None:
    """The final message, or `None` if it does not come in time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds), aclosing(follow(service, job_id, 0)) as messages:
            async for message in messages:
                if message and message.final:
                    return message
    return None


def _topic(job_id: UUID) -> str:
    return f"analysis.job.{job_id}"


async def _read(service: Service[Any], job_id: UUID, after: int) -> list[Message]:
    rows = await service.db.fetch(messages_after(job_id=job_id, after=after))
    return [_message(job_id, row["version"], row["type"], row, row["occurred_at"]) for row in rows]


def _snapshot(job: Job) -> Message:
    shown = ("attempts", "cost", "result", "code", "detail", "retryable")
    row = {**job, "step": None, "data": {name: job[name] for name in shown}}
    return _message(job["job_id"], job["version"], "snapshot", row, job["updated_at"])


def _message(job_id: UUID, version: int, kind: str, row: Mapping[str, Any], at: datetime | None) -> Message:
    body = {
        "type": kind,
        "job_id": str(job_id),
        "image_id": None,
        "step": row["step"],
        "status": row["status"],
        "progress": {name: row[name] for name in ("completed", "failed", "total")},
        "data": row["data"],
        "timestamp": rfc3339(at) if at else None,
    }
    return Message(version, kind, body, final=kind in FINAL)

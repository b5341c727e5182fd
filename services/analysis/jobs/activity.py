"""Read model: the jobs of every service, as rows for lists and as the messages their followers get."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from libs.common.contracts.jobs import JobFinished, JobProgressed, JobQueued, JobStarted
from libs.common.event_log import ReadModel, Recorded
from libs.common.sql import Bound, Statement
from services.analysis.tables import tables

SOURCES = ("analysis", "generation")
"""The services that run jobs."""

jobs = sa.Table(
    "jobs",
    tables,
    sa.Column("job_id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("owner_id", sa.Uuid, nullable=False),
    sa.Column("job_type", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("product_id", sa.Uuid),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("completed", sa.Integer, nullable=False),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("cost", sa.Double, nullable=False),
    sa.Column("result", JSONB, nullable=False),
    sa.Column("code", sa.Text),
    sa.Column("detail", sa.Text),
    sa.Column("retryable", sa.Boolean),
    sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column("started_at", sa.TIMESTAMP(timezone=True)),
    sa.Column("completed_at", sa.TIMESTAMP(timezone=True)),
    sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Index(None, "owner_id", "created_at", "job_id"),
)

messages = sa.Table(
    "job_events",
    tables,
    sa.Column("job_id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("step", sa.Text),
    sa.Column("completed", sa.Integer),
    sa.Column("data", JSONB, nullable=False),
    sa.Column("occurred_at", sa.TIMESTAMP(timezone=True), nullable=False),
)


_at = sa.bindparam("at", type_=jobs.c.updated_at.type)


def _change(**values: Any) -> Statement:
    always = {"version": sa.bindparam("v"), "updated_at": _at}
    return Statement(jobs.update().where(jobs.c.job_id == sa.bindparam("id")).values(**always, **values))


_queued = Statement(jobs.insert())
_started = _change(
    status="processing",
    attempts=sa.bindparam("attempt"),
    started_at=sa.func.coalesce(jobs.c.started_at, _at),
)
_progressed = _change(
    completed=sa.bindparam("done"),
    failed=jobs.c.failed + sa.bindparam("in_vain", type_=sa.Integer),
    total=sa.bindparam("of"),
    cost=jobs.c.cost + sa.bindparam("more"),
)
_finished = _change(
    status=sa.bindparam("ending"),
    completed=sa.case((sa.bindparam("whole", type_=sa.Boolean), jobs.c.total), else_=jobs.c.completed),
    result=sa.bindparam("made"),
    code=sa.bindparam("why"),
    detail=sa.bindparam("because"),
    retryable=sa.bindparam("again"),
    cost=jobs.c.cost + sa.bindparam("more"),
    completed_at=_at,
)
_told = Statement(messages.insert())
_NEW = {
    "status": "queued",
    "attempts": 0,
    "completed": 0,
    "failed": 0,
    "cost": 0.0,
    "result": {},
    "code": None,
    "detail": None,
    "retryable": None,
    "started_at": None,
    "completed_at": None,
}


def _project(recorded: Recorded[Any]) -> Iterator[Bound]:
    where = {"id": recorded.stream_id, "v": recorded.version, "at": recorded.recorded_at}
    match recorded.event:
        case JobQueued() as queued:
            yield _queued(
                **_NEW,
                **queued.model_dump(),
                job_id=recorded.stream_id,
                version=recorded.version,
                service=queued.event_name.partition(".")[0],
                created_at=recorded.recorded_at,
                updated_at=recorded.recorded_at,
            )
            yield _tell(recorded, "job_queued", "queued", {})
        case JobStarted(attempt=attempt):
            yield _started(**where, attempt=attempt)
            yield _tell(recorded, "job_started", "processing", {"attempt": attempt})
        case JobProgressed(done=done, total=total, cost=cost) as step:
            yield _progressed(**where, done=done, of=total, more=cost, in_vain=int(step.code is not None))
            yield _tell_step(recorded, step)
        case JobFinished() as end:
            yield _ended(where, end)
            yield _tell_end(recorded, end)


def _ended(where: dict[str, Any], end: JobFinished) -> Bound:
    return _finished(
        **where,
        ending=end.status,
        whole=end.status == "completed",
        made=end.result,
        why=end.code,
        because=end.detail,
        again=end.retryable if end.status == "failed" else None,
        more=end.cost,
    )


def _tell_step(recorded: Recorded[Any], step: JobProgressed) -> Bound:
    if step.code is None:
        return _tell(recorded, "step_update", "completed", {"cost": step.cost}, step.step, step.done)
    why = {"cost": step.cost, "code": step.code, "detail": step.detail}
    return _tell(recorded, "step_update", "failed", why, step.step, step.done)


def _tell_end(recorded: Recorded[Any], end: JobFinished) -> Bound:
    if end.status == "completed":
        return _tell(recorded, "job_complete", "completed", end.result)
    why = {"code": end.code, "detail": end.detail, "retryable": end.retryable, **end.result}
    return _tell(recorded, "job_failed", end.status, why)


def _tell(
    recorded: Recorded[Any],
    kind: str,
    status: str,
    data: dict[str, Any],
    step: str | None = None,
    completed: int | None = None,
) -> Bound:
    return _told(
        job_id=recorded.stream_id,
        version=recorded.version,
        type=kind,
        status=status,
        step=step,
        completed=completed,
        data=data,
        occurred_at=recorded.recorded_at,
    )


read_model = ReadModel("jobs", (jobs, messages), _project, SOURCES)

find = Statement(sa.select(jobs).where(jobs.c.job_id == sa.bindparam("job_id")))
_earlier = messages.alias("earlier")
_by_then = (_earlier.c.job_id == messages.c.job_id, _earlier.c.version <= messages.c.version)
_completed_by_then = (
    sa.select(sa.func.coalesce(sa.func.max(_earlier.c.completed), 0)).where(*_by_then).scalar_subquery()
)
_failed_by_then = (
    sa.select(sa.func.count())
    .where(*_by_then, _earlier.c.type == "step_update", _earlier.c.status == "failed")
    .scalar_subquery()
)
messages_after = Statement(
    sa.select(
        messages.c.version,
        messages.c.type,
        messages.c.status,
        messages.c.step,
        messages.c.data,
        messages.c.occurred_at,
        jobs.c.total,
        sa.case((messages.c.type == "job_complete", jobs.c.total), else_=_completed_by_then).label(
            "completed"
        ),
        _failed_by_then.label("failed"),
    )
    .join(jobs, jobs.c.job_id == messages.c.job_id)
    .where(messages.c.job_id == sa.bindparam("job_id"), messages.c.version > sa.bindparam("after"))
    .order_by(messages.c.version)
)

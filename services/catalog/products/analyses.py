"""Read model: which products are being analysed (shown as `processing`), from the jobs of analysis."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from libs.common.contracts.analysis import JobFinished, JobQueued
from libs.common.event_log import ReadModel, Recorded
from libs.common.sql import Bound, Statement
from services.catalog.tables import metadata

running_analyses = sa.Table(
    "running_analyses",
    metadata,
    sa.Column("job_id", sa.Uuid, primary_key=True),
    sa.Column("product_id", sa.Uuid, nullable=False, index=True),
    sa.Column("owner_id", sa.Uuid, nullable=False),
)

_START = Statement(insert(running_analyses).on_conflict_do_nothing())
_END = Statement(running_analyses.delete().where(running_analyses.c.job_id == sa.bindparam("job_id")))


def project(recorded: Recorded[Any]) -> Iterable[Bound]:
    match recorded.event:
        case JobQueued(product_id=product_id, owner_id=owner_id) if product_id is not None:
            yield _START(job_id=recorded.stream_id, product_id=product_id, owner_id=owner_id)
        case JobFinished():
            yield _END(job_id=recorded.stream_id)


running_analyses_model = ReadModel("running_analyses", (running_analyses,), project, sources=("analysis",))

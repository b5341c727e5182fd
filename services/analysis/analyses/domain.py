"""An analysis, from the photos of a product to its specification. Its stream is its job's as well. Pure."""

from dataclasses import dataclass, field, replace
from typing import Any, assert_never
from uuid import UUID

from pydantic import Field

from libs.common.contracts import jobs
from libs.common.contracts.analysis import (
    AnalysisCompleted,
    AnalysisFailed,
    AnalysisInputs,
    AnalysisRequested,
    JobFinished,
    JobProgressed,
    JobQueued,
    JobStarted,
)
from libs.common.decider import Decider
from libs.common.jobs import lifecycle
from libs.common.jobs.lifecycle import CancelJob, CompleteJob, FailJob, Job, JobCommand, JobEvent
from libs.common.messages import Command

JOB_TYPE = "specification"
STEPS = ("preprocess", "describe")
JOB_EVENTS = lifecycle.JobEvents(JobQueued, JobStarted, JobProgressed, JobFinished)


class RequestAnalysis(AnalysisInputs, Command):
    """Somebody wants a specification of a product."""


class RecordSpecification(Command):
    """The specification was made; part of the same transaction as the job's end."""

    specification_id: UUID
    version: int
    confidence: float | None
    provider: str
    model: str
    call: dict[str, Any] = Field(default_factory=dict)
    fallback_from: str | None = None


AnalysisCommand = RequestAnalysis | RecordSpecification | JobCommand
AnalysisEvent = AnalysisRequested | AnalysisCompleted | AnalysisFailed | JobEvent


@dataclass(frozen=True, slots=True)
class Analysis:
    job: Job = field(default_factory=Job)
    request: AnalysisRequested | None = None
    made: AnalysisCompleted | None = None


def decide(command: AnalysisCommand, analysis: Analysis) -> list[AnalysisEvent]:
    request = analysis.request
    if isinstance(command, RequestAnalysis):
        return _accept(command) if request is None else []
    if request is None:
        return []
    whose = {"owner_id": request.owner_id, "product_id": request.product_id}
    match command:
        case RecordSpecification():
            if analysis.job.over or analysis.made:
                return []
            return [AnalysisCompleted.model_validate(whose | command.model_dump())]
        case CompleteJob():
            return [*lifecycle.decide(CompleteJob(result=_result(analysis.made)), analysis.job, JOB_EVENTS)]
    told = lifecycle.decide(command, analysis.job, JOB_EVENTS)
    match command:
        case FailJob() | CancelJob() if told:
            return [_failed(command, request), *told]
    return [*told]


def _failed(command: FailJob | CancelJob, request: AnalysisRequested) -> AnalysisFailed:
    why = {"code": "cancelled", "detail": "cancelled by its owner"} | command.model_dump()
    tried = [attempt for attempts in command.failed_attempts.values() for attempt in attempts]
    whose = {"owner_id": request.owner_id, "product_id": request.product_id}
    return AnalysisFailed.model_validate(whose | why | {"failed_attempts": tried})


def _accept(command: RequestAnalysis) -> list[AnalysisEvent]:
    queued = JobQueued(
        owner_id=command.owner_id,
        job_type=JOB_TYPE,
        title=command.product_title,
        product_id=command.product_id,
        total=len(STEPS),
    )
    return [AnalysisRequested.model_validate(command.model_dump()), queued]


def _result(made: AnalysisCompleted | None) -> dict[str, Any]:
    if made is None:
        return {}
    named = {"provider_fallback_from": made.fallback_from}
    return named | made.model_dump(mode="json", exclude={"owner_id", "product_id", "fallback_from"})


def evolve(analysis: Analysis, event: AnalysisEvent) -> Analysis:
    match event:
        case AnalysisRequested():
            return replace(analysis, request=event)
        case AnalysisCompleted():
            return replace(analysis, made=event)
        case AnalysisFailed():
            return analysis  # the job's own event says the same
        case jobs.JobQueued() | jobs.JobStarted() | jobs.JobProgressed() | jobs.JobFinished():
            return replace(analysis, job=lifecycle.evolve(analysis.job, event))
    assert_never(event)


analyses: Decider[Analysis, AnalysisCommand, AnalysisEvent] = Decider("analysis", Analysis(), decide, evolve)

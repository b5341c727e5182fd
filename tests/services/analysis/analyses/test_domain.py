from typing import Any
from uuid import UUID

from libs.common.contracts.analysis import (
    AnalysisCompleted,
    AnalysisFailed,
    AnalysisRequested,
    JobFinished,
    JobProgressed,
    JobQueued,
    JobStarted,
    PinnedReference,
)
from libs.common.contracts.jobs import FailedAttempt
from libs.common.errors import Conflict
from libs.common.jobs.lifecycle import CancelJob, CompleteJob, FailJob, ReportProgress, StartJob
from services.analysis.analyses.domain import RecordSpecification, RequestAnalysis, analyses
from tests.spec import Spec

OWNER, PRODUCT, MADE = UUID(int=1), UUID(int=2), UUID(int=3)
INPUTS: dict[str, Any] = {
    "owner_id": OWNER,
    "product_id": PRODUCT,
    "product_title": "Mug",
    "references": [PinnedReference(reference_id=UUID(int=4), key="r.png", sha256="7" * 64, is_primary=True)],
    "provider": "local",
    "model": "classical/1",
}
OUTCOME: dict[str, Any] = {
    "specification_id": MADE,
    "version": 2,
    "confidence": 0.4,
    "provider": "local",
    "model": "classical/1",
    "call": {"latency_ms": 12.0},
    "fallback_from": "openai",
}

spec = Spec(analyses)
requested = AnalysisRequested(**INPUTS)
queued = JobQueued(owner_id=OWNER, job_type="specification", title="Mug", product_id=PRODUCT, total=2)
accepted = (requested, queued)
started = JobStarted(owner_id=OWNER, attempt=1)
described = JobProgressed(owner_id=OWNER, done=1, total=2, step="describe", cost=0.01)
running = (*accepted, started, described)
completed = AnalysisCompleted(owner_id=OWNER, product_id=PRODUCT, **OUTCOME)
RESULT = {
    "specification_id": str(MADE),
    "version": 2,
    "confidence": 0.4,
    "provider": "local",
    "model": "classical/1",
    "call": {"latency_ms": 12.0},
    "provider_fallback_from": "openai",
}
finished = JobFinished(owner_id=OWNER, status="completed", result=RESULT)


def test_a_request_is_accepted_with_all_its_pins_and_queued() -> None:
    spec.given().when(RequestAnalysis(**INPUTS)).then(*accepted)


def test_a_repeated_request_changes_nothing() -> None:
    spec.given(*accepted).when(RequestAnalysis(**INPUTS)).then()


def test_a_worker_starts_it_and_another_one_may_have_to() -> None:
    spec.given(*accepted).when(StartJob()).then(started)
    spec.given(*accepted, started).when(StartJob()).then(JobStarted(owner_id=OWNER, attempt=2))


def test_nothing_happens_to_what_was_never_requested() -> None:
    spec.given().when(StartJob()).then()
    spec.given().when(RecordSpecification(**OUTCOME)).then()


def test_a_step_is_progress_once() -> None:
    report = ReportProgress(step="describe", cost=0.01)
    spec.given(*accepted, started).when(report).then(described)
    spec.given(*running).when(report).then()


def test_it_tells_what_it_made_once() -> None:
    spec.given(*running).when(RecordSpecification(**OUTCOME)).then(completed)
    spec.given(*running, completed).when(RecordSpecification(**OUTCOME)).then()


def test_its_job_ends_with_what_was_made() -> None:
    spec.given(*running, completed).when(CompleteJob(result={"yaml_content": "…"})).then(finished)


def test_it_fails_with_a_code() -> None:
    why: dict[str, Any] = {"code": "provider_timeout", "detail": "no answer", "retryable": True}
    spec.given(*running).when(FailJob(**why)).then(
        AnalysisFailed(owner_id=OWNER, product_id=PRODUCT, **why),
        JobFinished(owner_id=OWNER, status="failed", **why),
    )


def test_its_owner_cancels_it() -> None:
    why: dict[str, Any] = {"code": "cancelled", "detail": "cancelled by its owner"}
    spec.given(*accepted).when(CancelJob(by="user:1")).then(
        AnalysisFailed(owner_id=OWNER, product_id=PRODUCT, **why),
        JobFinished(owner_id=OWNER, status="cancelled", **why),
    )


def test_a_cancelled_one_tells_who_was_asked_in_vain() -> None:
    asked = FailedAttempt(provider="openai", code="cancelled", message="stopped", cost=0.5)
    told = {"failed_attempts": [{"step": "describe", **asked.model_dump()}]}
    why: dict[str, Any] = {"code": "cancelled", "detail": "cancelled by its owner"}
    spec.given(*accepted).when(CancelJob(by="user:1", failed_attempts={"describe": [asked]})).then(
        AnalysisFailed(owner_id=OWNER, product_id=PRODUCT, **why, failed_attempts=[asked]),
        JobFinished(owner_id=OWNER, status="cancelled", **why, result=told, cost=0.5),
    )


def test_what_is_over_stays_as_it_is() -> None:
    over = (*running, completed, finished)
    spec.given(*over).when(CancelJob(by="user:1")).then_refused(Conflict, "job_finished")
    spec.given(*over).when(FailJob(code="timeout", detail="late")).then()
    spec.given(*over).when(StartJob()).then()
    spec.given(*over).when(RecordSpecification(**OUTCOME)).then()

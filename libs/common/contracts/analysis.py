"""Public events of analysis. Streams: one per analysis job; one specification stream per product."""

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from libs.common.contracts import PublicEvent, jobs
from libs.common.contracts.jobs import FailedAttempt


class PinnedReference(BaseModel):
    """A photo as it was when the work was accepted; `sha256` of its bytes."""

    reference_id: UUID
    key: str
    sha256: str
    content_type: str = "image/png"
    is_primary: bool = False


class KnownSize(BaseModel):
    """A length of the product that its owner knows."""

    axis: Literal["width", "height"]
    value: float
    unit: Literal["mm", "cm", "m", "in"] = "mm"


class AnalysisInputs(BaseModel):
    """Everything an analysis uses, pinned when it is accepted; `references` begins with the primary photo.

    `marker_mm` is the side of a printed ArUco marker that lies in the product's plane.

    `fallback_from` is the provider that was asked for and does not exist in this installation.
    """

    owner_id: UUID
    product_id: UUID
    product_title: str
    references: list[PinnedReference]
    template_version: str = "1.0"
    use_template: bool = True
    activate: bool = True
    provider: str | None = None
    model: str | None = None
    fallback: bool = True
    fallback_from: str | None = None
    known_size: KnownSize | None = None
    marker_mm: float | None = None


class AnalysisRequested(AnalysisInputs, PublicEvent):
    event_name = "analysis.analysis_requested"


class AnalysisCompleted(PublicEvent):
    """`fallback_from` is the provider that should have done it and could not; `call` how it came about."""

    event_name = "analysis.analysis_completed"
    owner_id: UUID
    product_id: UUID
    specification_id: UUID
    version: int
    confidence: float | None = None
    provider: str
    model: str
    call: dict[str, Any] = {}
    fallback_from: str | None = None


class AnalysisFailed(PublicEvent):
    event_name = "analysis.analysis_failed"
    owner_id: UUID
    product_id: UUID
    code: str
    detail: str
    retryable: bool = False
    failed_attempts: list[FailedAttempt] = []


class SpecificationFacts(BaseModel):
    """What a specification says and where it comes from; `sha256` of `yaml_content`, copied to object `key`."""

    owner_id: UUID
    product_id: UUID
    specification_id: UUID
    yaml_content: str
    sha256: str
    key: str
    source: Literal["analysis", "edit"]
    template_version: str = "1.0"
    confidence_overall: float | None = None
    image_count: int = 0
    analysis_model: str | None = None
    provider: str | None = None
    job_id: UUID | None = None
    change_notes: str | None = None
    primary_dimensions: dict[str, Any] | None = None
    primary_colors: list[dict[str, Any]] | None = None
    material_type: str | None = None


class SpecificationCreated(SpecificationFacts, PublicEvent):
    """Versions of a product count from 1; none is ever changed or taken away."""

    event_name = "analysis.specification_created"
    version: int


class SpecificationActivated(PublicEvent):
    event_name = "analysis.specification_activated"
    owner_id: UUID
    product_id: UUID
    specification_id: UUID
    version: int
    sha256: str


class JobQueued(jobs.JobQueued):
    event_name = "analysis.job_queued"


class JobStarted(jobs.JobStarted):
    event_name = "analysis.job_started"


class JobProgressed(jobs.JobProgressed):
    event_name = "analysis.job_progressed"


class JobFinished(jobs.JobFinished):
    event_name = "analysis.job_finished"

"""Public events of generation. Streams: one per generation request (its job as well), one per picture."""

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from libs.common.contracts import PublicEvent, jobs
from libs.common.contracts.analysis import PinnedReference

Kind = Literal["product_image", "tryon", "tryon_multi", "background_removal", "brand_logo", "refine"]


class PinnedSpecification(BaseModel):
    """The specification version a generation was accepted with; `sha256` of its YAML."""

    specification_id: UUID
    version: int
    sha256: str


class PinnedImage(BaseModel):
    """A picture to make: its id, seed and object key are settled at acceptance."""

    image_id: UUID
    index: int
    seed: int
    key: str


class GenerationRequested(PublicEvent):
    """Everything the generation will use is pinned here; `final_prompt` is the text the provider gets."""

    event_name = "generation.generation_requested"
    owner_id: UUID
    product_id: UUID | None
    kind: Kind
    prompt: str
    custom_prompt_override: str | None = None
    final_prompt: str
    prompt_template: str
    aspect_ratio: str
    resolution: str
    images: list[PinnedImage]
    specification: PinnedSpecification | None = None
    references: list[PinnedReference] = []
    provider: str | None = None
    model: str | None = None
    fallback: bool = True
    rerun_of: UUID | None = None


class GenerationStarted(PublicEvent):
    event_name = "generation.generation_started"
    owner_id: UUID
    attempt: int


class ImageGenerated(PublicEvent):
    """In the picture's own stream. `call` records provider, model, request id, tokens, cost, latency and attempts."""

    event_name = "generation.image_generated"
    owner_id: UUID
    product_id: UUID | None
    request_id: UUID
    index: int
    kind: Kind
    key: str
    sha256: str
    content_type: str
    file_size_bytes: int
    width: int
    height: int
    seed: int
    prompt: str
    aspect_ratio: str
    resolution: str
    specification: PinnedSpecification | None = None
    parent_image_id: UUID | None = None
    provider: str
    model: str
    fallback_from: str | None = None
    model_response_text: str | None = None
    call: dict[str, Any] = {}


class GenerationCompleted(PublicEvent):
    event_name = "generation.generation_completed"
    owner_id: UUID
    product_id: UUID | None
    image_ids: list[UUID]


class GenerationFailed(PublicEvent):
    event_name = "generation.generation_failed"
    owner_id: UUID
    product_id: UUID | None
    code: str
    detail: str
    retryable: bool = False


class GenerationCancelled(PublicEvent):
    event_name = "generation.generation_cancelled"
    owner_id: UUID
    product_id: UUID | None
    by: str


class JobQueued(jobs.JobQueued):
    event_name = "generation.job_queued"


class JobStarted(jobs.JobStarted):
    event_name = "generation.job_started"


class JobProgressed(jobs.JobProgressed):
    event_name = "generation.job_progressed"


class JobFinished(jobs.JobFinished):
    event_name = "generation.job_finished"

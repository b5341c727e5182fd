"""Public events of generation. Streams: one per generation request (its job as well), one per picture."""

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from libs.common.contracts import PublicEvent, jobs
from libs.common.contracts.analysis import PinnedReference
from libs.common.contracts.jobs import FailedAttempt

Kind = Literal["product_image", "tryon", "tryon_multi", "background_removal", "brand_logo", "refine"]
Slot = Literal["upper_body", "lower_body", "full_body"]
"""Where a garment is worn."""


class PinnedPhoto(PinnedReference):
    """A photo that a picture is made from; of a garment, `slot` is where it is worn, if that is known."""

    role: Literal["product", "person", "garment"] = "product"
    slot: Slot | None = None


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


class PinnedParent(BaseModel):
    """The picture that is to be changed; `sha256` of its bytes."""

    image_id: UUID
    key: str
    sha256: str


class BrandBrief(BaseModel):
    """What somebody wants a brand to look like, in their own words."""

    brand_name: str
    tagline: str | None = None
    industry: str | None = None
    brief: str
    style: list[str] = []
    colors: list[str] = []


class GenerationInputs(BaseModel):
    """Everything a generation uses, pinned when it is accepted; `final_prompt` is the text the provider gets.

    Of a brand's logos the provider gets one text for each, which is written first: `PromptsWritten`.

    `fallback_from` is the provider that was asked for and does not exist in this installation. `strength` of a
    change is from 0, which keeps the `parent`, to 1.
    """

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
    references: list[PinnedPhoto] = []
    provider: str | None = None
    model: str | None = None
    fallback: bool = True
    fallback_from: str | None = None
    rerun_of: UUID | None = None
    project_id: UUID | None = None
    brief: BrandBrief | None = None
    parent: PinnedParent | None = None
    strength: float | None = None
    transparent: bool = False


class GenerationRequested(GenerationInputs, PublicEvent):
    event_name = "generation.generation_requested"


class GenerationStarted(PublicEvent):
    event_name = "generation.generation_started"
    owner_id: UUID
    attempt: int


class PromptsWritten(PublicEvent):
    """What each logo of a brand is to be, in the order of the pictures; `call` is who wrote it and how."""

    event_name = "generation.prompts_written"
    owner_id: UUID
    project_id: UUID
    prompts: list[str]
    call: dict[str, Any] = {}


class PictureFacts(BaseModel):
    """What a picture is and how it was made.

    `call` records the provider's request id, tokens, cost in US dollars, latency and what it said about the
    picture; `fallback_from` is the provider that should have made it and could not. `vector_key` is the object with
    the same picture as SVG, of a provider that draws.
    """

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
    project_id: UUID | None = None
    vector_key: str | None = None


class ImageGenerated(PictureFacts, PublicEvent):
    """In the picture's own stream."""

    event_name = "generation.image_generated"


class ImageFailure(BaseModel):
    """A picture of a request that could not be made, by its `index`."""

    index: int
    code: str
    detail: str
    failed_attempts: list[FailedAttempt] = []


class GenerationCompleted(PublicEvent):
    """At least one picture was made; `failures` are those that were not."""

    event_name = "generation.generation_completed"
    owner_id: UUID
    product_id: UUID | None
    image_ids: list[UUID]
    failures: list[ImageFailure] = []


class GenerationFailed(PublicEvent):
    """`failures` are the pictures that were tried."""

    event_name = "generation.generation_failed"
    owner_id: UUID
    product_id: UUID | None
    code: str
    detail: str
    retryable: bool = False
    failures: list[ImageFailure] = []


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

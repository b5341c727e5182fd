"""What a client may ask of an analysis, and what it is answered."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from libs.common.contracts.analysis import KnownSize
from libs.common.values import Text
from services.analysis.jobs.bodies import Links

MOST_IMAGES = 16

Name = Annotated[Text, StringConstraints(min_length=1, max_length=100)]


Length = Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False, strict=True)]


class KnownSizeBody(KnownSize):
    model_config = ConfigDict(extra="forbid", frozen=True)
    value: Length


class AnalyzeBody(BaseModel):
    """Without `image_ids`, the product's photos, the primary one first, as many as are taken.

    `known_size` or `marker_mm`, the side of a printed ArUco marker (4x4_50) beside the product, give the outline a
    scale.

    With `use_template`, what the photos do not tell is `null`; without it, it is left out. With `fallback`
    off, no other provider steps in.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    template_version: Literal["1.0"] = "1.0"
    use_template: bool = True
    image_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_IMAGES)] | None = None
    activate: bool = True
    provider: Name | None = None
    model: Name | None = None
    fallback: bool = True
    known_size: KnownSizeBody | None = None
    marker_mm: Length | None = None


class AnalyzedBody(BaseModel):
    """The specification, when it was made in time."""

    specification_id: UUID
    version: int
    yaml_content: str
    confidence: float | None
    provider: str
    model: str
    provider_fallback_from: str | None
    job_id: UUID
    status: Literal["completed"]
    links: Links


class AcceptedBody(BaseModel):
    """The job that makes the specification, when nobody waits for it."""

    job_id: UUID
    status: Literal["queued"]
    links: Links

"""What a client may ask for, and what it gets to see of it."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from libs.common.http import Timestamp
from libs.common.values import Text
from libs.providers.base import AspectRatio, Resolution
from services.generation.images.bodies import ImageBody
from services.generation.models.estimates import CostBody

MOST_IMAGES = 8
SEEDS = 2**31
"""Seeds are below this: what every provider takes."""

Prompt = Annotated[Text, StringConstraints(min_length=1, max_length=4000)]
Name = Annotated[Text, StringConstraints(min_length=1, max_length=100)]
Count = Annotated[int, Field(ge=1, le=MOST_IMAGES, strict=True)]
Seed = Annotated[int, Field(ge=0, lt=SEEDS, strict=True)]
SpecificationVersion = Annotated[int, Field(ge=1, lt=2**31, strict=True)]
COUNT = AliasChoices("count", "image_count")
VERSION = AliasChoices("version", "specification_version")


class Wish(BaseModel):
    """A picture as its user wants it.

    `prompt` is the scene; `custom_prompt_override` takes the place of what the specification says about the
    product. Seeds are `seed`, `seed + 1` and so on. With `fallback` off no other provider steps in.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    prompt: Prompt
    custom_prompt_override: Prompt | None = None
    aspect_ratio: AspectRatio = "1:1"
    resolution: Resolution = "2K"
    count: Annotated[Count, Field(validation_alias=COUNT)] = 1
    seed: Seed | None = None
    provider: Name | None = None
    model: Name | None = None
    fallback: bool = True


class Choice(BaseModel):
    """Which specification, and whether to do it or only to say what it would cost."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    specification_id: UUID | None = None
    version: Annotated[SpecificationVersion | None, Field(validation_alias=VERSION)] = None
    dry_run: bool = False

    @model_validator(mode="after")
    def _one_specification(self) -> "Choice":
        if self.specification_id and self.version:
            raise ValueError("give specification_id or version, not both")
        return self


class GenerateBody(Wish, Choice):
    """Without `specification_id` and `version` the active specification is used."""

    allow_without_spec: bool = False


class RerunBody(Choice):
    """What is to be different this time; everything else stays as it was pinned, the seeds too."""

    prompt: Prompt | None = None
    custom_prompt_override: Prompt | None = None
    aspect_ratio: AspectRatio | None = None
    resolution: Resolution | None = None
    count: Annotated[Count | None, Field(validation_alias=COUNT)] = None
    seed: Seed | None = None
    provider: Name | None = None
    model: Name | None = None
    fallback: bool | None = None


class Links(BaseModel):
    request: str
    job: str
    stream: str
    cancel: str


class AcceptedBody(BaseModel):
    request_id: UUID
    job_id: UUID
    status: Literal["pending"]
    links: Links


class EstimateBody(CostBody):
    """The answer to `dry_run`: what would be pinned, and what it would cost; null is unknown."""

    final_prompt: str
    specification_id: UUID | None
    specification_version: int | None
    references: list[dict[str, Any]]


class GenerationRequestBody(BaseModel):
    """`status` is `pending`, `processing`, `completed` or `failed`; one that was cancelled is `failed` with
    `code` `cancelled`. `progress` is in percent, `cost` in US dollars."""

    id: UUID
    request_id: UUID
    job_id: UUID
    product_id: UUID | None
    kind: str
    status: Literal["pending", "processing", "completed", "failed"]
    progress: int
    code: str | None
    error_message: str | None
    retryable: bool | None
    prompt: str
    custom_prompt_override: str | None
    final_prompt: str
    prompt_template: str
    aspect_ratio: str
    resolution: str
    count: int
    image_count: int
    seeds: list[int]
    specification_id: UUID | None
    specification_version: int | None
    specification_sha256: str | None
    references: list[dict[str, Any]]
    provider: str | None
    model: str | None
    fallback: bool
    provider_fallback_from: str | None
    rerun_of: UUID | None
    images: list[ImageBody]
    failures: list[dict[str, Any]]
    attempts: int
    cost: float
    created_by: UUID
    created_at: Timestamp
    started_at: Timestamp | None
    completed_at: Timestamp | None
    links: Links

"""What a client may ask of a brand project, and what it gets to see."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import File, Form, UploadFile
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from libs.common.contracts.generation import BrandBrief
from libs.common.http import Timestamp
from libs.common.values import Text
from libs.providers.base import AspectRatio, Resolution
from services.generation.requests.bodies import MOST_IMAGES, SEEDS, Links, Name, Seed

MOST_INSPIRATION = 5
MOST_WORDS = 10


def _colour(told: str) -> str:
    """A name may be any word; a number must be one."""
    if told.startswith("#") and not re.fullmatch("#[0-9a-fA-F]{6}", told):
        raise ValueError("a colour's number is # and six hexadecimal digits, as in #0a5c36")
    return told


BrandName = Annotated[Text, StringConstraints(min_length=1, max_length=60)]
Line = Annotated[Text, StringConstraints(min_length=1, max_length=80)]
Story = Annotated[Text, StringConstraints(min_length=1, max_length=4000)]
Words = Annotated[list[Line], Field(max_length=MOST_WORDS)]
Colours = Annotated[list[Annotated[Line, AfterValidator(_colour)]], Field(max_length=MOST_WORDS)]
Status = Literal["pending", "processing", "completed", "failed"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the logos are to be made: by whom, of which size, from which seed on."""

    count: int
    aspect_ratio: AspectRatio
    resolution: Resolution
    transparent: bool
    seed: int | None
    provider: str | None
    model: str | None
    fallback: bool
    dry_run: bool


@dataclass(frozen=True, slots=True)
class ProjectForm:
    brief: BrandBrief
    wanted: Wanted
    inspiration: list[UploadFile]


async def project_form(
    brand_name: Annotated[BrandName, Form()],
    brief: Annotated[Story, Form(description="what the brand is and how it is to look")],
    tagline: Annotated[Line | None, Form()] = None,
    industry: Annotated[Line | None, Form()] = None,
    style: Annotated[Words | None, Form()] = None,
    bracketed_style: Annotated[Words | None, Form(alias="style[]", description="the same")] = None,
    colors: Annotated[Colours | None, Form(description="names, or #rrggbb")] = None,
    bracketed_colors: Annotated[Colours | None, Form(alias="colors[]", description="the same")] = None,
    count: Annotated[int, Form(ge=1, le=MOST_IMAGES)] = 4,
    inspiration_images: Annotated[
        list[UploadFile] | None, File(description="pictures you like: jpeg, png or webp")
    ] = None,
    bracketed_images: Annotated[
        list[UploadFile] | None, File(alias="inspiration_images[]", description="the same")
    ] = None,
    aspect_ratio: Annotated[AspectRatio, Form()] = "1:1",
    resolution: Annotated[Resolution, Form()] = "1K",
    transparent: Annotated[bool, Form(description="without a background, if the provider can")] = False,
    seed: Annotated[int | None, Form(ge=0, lt=SEEDS)] = None,
    provider: Annotated[Name | None, Form()] = None,
    model: Annotated[Name | None, Form()] = None,
    fallback: Annotated[bool, Form()] = True,
    dry_run: Annotated[bool, Form(description="only say what the pictures would cost")] = False,
) -> ProjectForm:
    told = BrandBrief(
        brand_name=brand_name,
        tagline=tagline,
        industry=industry,
        brief=brief,
        style=[*(style or ()), *(bracketed_style or ())],
        colors=[*(colors or ()), *(bracketed_colors or ())],
    )
    wanted = Wanted(count, aspect_ratio, resolution, transparent, seed, provider, model, fallback, dry_run)
    return ProjectForm(told, wanted, [*(inspiration_images or ()), *(bracketed_images or ())])


class RefineBody(BaseModel):
    """`strength` from 0, which keeps the logo, to 1, which lets go of it. Seeds are `seed`, `seed + 1` and so on."""

    model_config = ConfigDict(extra="forbid")
    instruction: Story
    strength: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    count: Annotated[int, Field(ge=1, le=4, strict=True)] = 1
    transparent: bool = False
    seed: Seed | None = None
    provider: Name | None = None
    model: Name | None = None
    fallback: bool = True
    dry_run: bool = False


class ProjectLinks(BaseModel):
    project: str
    assets: str
    stream: str
    job: str
    cancel: str


class ProjectAcceptedBody(BaseModel):
    """`stream_url` is good for one connection within a minute; later ones need a ticket or the header."""

    project_id: UUID
    request_id: UUID
    job_id: UUID
    status: Literal["pending"]
    stream_url: str
    asset_ids: list[UUID]
    links: ProjectLinks


class RefineAcceptedBody(BaseModel):
    project_id: UUID
    request_id: UUID
    job_id: UUID
    status: Literal["pending"]
    asset_ids: list[UUID]
    links: Links


class InspirationBody(BaseModel):
    id: UUID
    url: str
    original_filename: str
    content_type: str
    file_size_bytes: int
    width: int
    height: int


class ProjectBody(BaseModel):
    """`status` and `progress`, in percent, are those of the first logos; `cover_url` shows the newest one."""

    id: UUID
    project_id: UUID
    request_id: UUID
    job_id: UUID
    brand_name: str
    tagline: str | None
    industry: str | None
    brief: str
    style: list[str]
    colors: list[str]
    inspiration_images: list[InspirationBody]
    status: Status
    progress: int
    code: str | None
    error_message: str | None
    retryable: bool | None
    count: int
    provider: str | None
    model: str | None
    provider_fallback_from: str | None
    cover_url: str | None
    created_by: UUID
    created_at: Timestamp
    completed_at: Timestamp | None
    version: int
    links: ProjectLinks


class AssetBody(BaseModel):
    """A logo; without a `url` until it is `completed`. `code` and `error_message` say why it `failed`.

    It is a generated image as well: `/generated-images/{id}` rates, deletes, exports and explains it.
    """

    id: UUID
    project_id: UUID
    parent_asset_id: UUID | None
    request_id: UUID
    job_id: UUID
    kind: str
    index: int
    status: Status
    code: str | None
    error_message: str | None
    prompt: str | None
    url: str | None
    vector_url: str | None
    variants: dict[str, str] | None
    thumbnail_url: str | None
    content_type: str | None
    width: int | None
    height: int | None
    seed: int
    provider: str | None
    model: str | None
    provider_fallback_from: str | None
    favourite: bool | None
    rating: int | None
    label: str | None
    created_at: Timestamp


class AssetNode(AssetBody):
    """`children` are what it was refined to."""

    children: list["AssetNode"]


class AssetsBody(BaseModel):
    """A tree; `total` counts all of its assets."""

    items: list[AssetNode]
    total: int


def links_of(project_id: UUID, request_id: UUID) -> dict[str, Any]:
    project = f"/api/v1/projects/{project_id}"
    return {
        "project": project,
        "assets": f"{project}/assets",
        "stream": f"{project}/stream",
        "job": f"/api/v1/jobs/{request_id}",
        "cancel": f"/api/v1/generation-requests/{request_id}",
    }

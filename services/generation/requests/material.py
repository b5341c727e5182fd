"""What a generation works with, and what it asks a provider for: by its kind."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from libs.common.contracts.analysis import PinnedReference
from libs.common.contracts.generation import (
    BrandBrief,
    GenerationRequested,
    PinnedImage,
    PinnedParent,
    PinnedPhoto,
)
from libs.common.jobs.work import RunningJob
from libs.common.objects import ObjectStore
from libs.providers.base import AspectRatio, Brief, Capability, ImageBlob, ImageRequest, Resolution
from libs.providers.chain import Providers
from libs.providers.pictures import load
from libs.providers.prompts.logo import logo_prompt
from services.generation.requests.directions import directions
from services.generation.requests.domain import CUTOUT, TRY_ONS, Generation


@dataclass(frozen=True, slots=True)
class Material:
    """`pictures` go along with every order; `prompts` are one for each picture to make, as its owner gets to see it."""

    pictures: Sequence[ImageBlob]
    prompts: Sequence[str]


async def material_of(providers: Providers, job: RunningJob[Generation]) -> Material:
    """Raises Conflict (reference_changed) and NotFound for an object that is not what was pinned."""
    request, objects = cast(GenerationRequested, job.state.request), job.service.objects
    if request.kind == "brand_logo":
        brief = as_brief(cast(BrandBrief, request.brief))
        return Material([], await directions(providers, job, brief))
    if request.parent:
        pictures = [await _parent(objects, request.parent)]
    else:
        pictures = await asyncio.gather(*(_photo(objects, photo) for photo in request.references))
    return Material(pictures, [request.prompt] * len(request.images))


def capability_of(request: GenerationRequested) -> Capability:
    if request.kind in TRY_ONS:
        return Capability.TRY_ON
    if request.kind == CUTOUT:
        return Capability.REMOVE_BACKGROUND
    return Capability.EDIT if request.parent else Capability.GENERATE


def order(
    request: GenerationRequested, picture: PinnedImage, material: Material, provenance: dict[str, Any]
) -> ImageRequest:
    wanted = ImageRequest(
        prompt=request.final_prompt,
        scene=request.prompt,
        references=material.pictures,
        aspect_ratio=cast(AspectRatio, request.aspect_ratio),
        resolution=cast(Resolution, request.resolution),
        seed=picture.seed,
        index=picture.index - 1,
        transparent=request.transparent,
        strength=request.strength,
        provenance=provenance,
    )
    if request.kind != "brand_logo":
        return wanted
    brief, direction = as_brief(cast(BrandBrief, request.brief)), material.prompts[picture.index - 1]
    text = logo_prompt(brief, direction, transparent=request.transparent)
    return replace(wanted, prompt=text, scene=None, brief=brief)


def as_brief(told: BrandBrief) -> Brief:
    """As providers take it, without the pictures."""
    return Brief(
        text=told.brief,
        brand_name=told.brand_name,
        tagline=told.tagline,
        industry=told.industry,
        styles=tuple(told.style),
        colours=tuple(told.colors),
        purpose="logo",
    )


async def _photo(objects: ObjectStore, photo: PinnedPhoto) -> ImageBlob:
    return replace(await load(objects, photo), role=photo.role, slot=photo.slot)


async def _parent(objects: ObjectStore, parent: PinnedParent) -> ImageBlob:
    pinned = PinnedReference(reference_id=parent.image_id, key=parent.key, sha256=parent.sha256)
    return replace(await load(objects, pinned), role="parent")

"""Accepting logos, and changes of one: everything they will use is pinned before anything is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from libs.common.contracts.generation import PinnedImage, PinnedParent, PinnedPhoto
from libs.common.errors import Conflict
from libs.providers.base import Capability, Resolution
from libs.providers.directory import Choice, Directory
from libs.providers.prompts import edit, logo
from services.generation.brands.bodies import ProjectForm, RefineBody, Wanted
from services.generation.brands.domain import Inspiration
from services.generation.requests.acceptance import planned
from services.generation.requests.domain import RequestGeneration
from services.generation.requests.material import as_brief


@dataclass(frozen=True, slots=True)
class Parent:
    """A logo that is to be changed."""

    project_id: UUID
    title: str
    aspect_ratio: str
    resolution: Resolution
    pinned: PinnedParent

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Raises Conflict (asset_not_ready) for one that is not there yet, or never will be."""
        if row["image_id"] is None:
            raise Conflict("only a logo that is there can be refined", code="asset_not_ready")
        pinned = PinnedParent(image_id=row["image_id"], key=row["key"], sha256=row["sha256"])
        return cls(row["asset_project_id"], row["brand_name"], row["aspect_ratio"], row["resolution"], pinned)


def choose(directory: Directory, capability: Capability, wanted: Wanted | RefineBody) -> Choice:
    """Raises Invalid and BadGateway, as the directory does."""
    return directory.choose(
        capability, provider=wanted.provider, model=wanted.model, fallback=wanted.fallback
    )


def first_logos(
    owner_id: UUID,
    project_id: UUID,
    form: ProjectForm,
    inspiration: list[Inspiration],
    choice: Choice,
    at: datetime,
) -> RequestGeneration:
    """The command that asks for a project's first logos."""
    brief, wanted = form.brief, form.wanted
    return RequestGeneration(
        title=brief.brand_name,
        owner_id=owner_id,
        product_id=None,
        project_id=project_id,
        kind="brand_logo",
        prompt=brief.brief,
        final_prompt=logo.logo_prompt(as_brief(brief), transparent=wanted.transparent),
        prompt_template=logo.TEMPLATE,
        aspect_ratio=wanted.aspect_ratio,
        resolution=wanted.resolution,
        transparent=wanted.transparent,
        images=_planned(owner_id, project_id, wanted.count, wanted.seed, at),
        references=[PinnedPhoto.model_validate(picture.model_dump()) for picture in inspiration],
        provider=choice.provider,
        model=choice.model,
        fallback=wanted.fallback,
        fallback_from=choice.fallback_from,
        brief=brief,
    )


def refinement(
    owner_id: UUID, parent: Parent, body: RefineBody, choice: Choice, at: datetime
) -> RequestGeneration:
    """The command that asks for changes of a logo."""
    return RequestGeneration(
        title=parent.title,
        owner_id=owner_id,
        product_id=None,
        project_id=parent.project_id,
        kind="refine",
        prompt=body.instruction,
        final_prompt=edit.edit_prompt(body.instruction, body.strength),
        prompt_template=edit.TEMPLATE,
        aspect_ratio=parent.aspect_ratio,
        resolution=parent.resolution,
        transparent=body.transparent,
        images=_planned(owner_id, parent.project_id, body.count, body.seed, at),
        provider=choice.provider,
        model=choice.model,
        fallback=body.fallback,
        fallback_from=choice.fallback_from,
        parent=parent.pinned,
        strength=body.strength,
    )


def _planned(
    owner_id: UUID, project_id: UUID, count: int, seed: int | None, at: datetime
) -> list[PinnedImage]:
    return planned(f"generated-assets/{owner_id}/{project_id}", count, seed, at)

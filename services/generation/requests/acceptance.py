"""Accepting a generation: everything it will use is found out and pinned before anything is written."""

import asyncio
import secrets
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from uuid_utils.compat import uuid7

from libs.common.bus import Bus
from libs.common.contracts.generation import PinnedImage, PinnedPhoto, PinnedSpecification
from libs.common.errors import Conflict
from libs.providers.directory import Choice
from libs.providers.prompts import scene
from libs.providers.spec_yaml import parse_yaml
from libs.refs.products import Product, ask_product
from services.generation.requests.bodies import SEEDS, GenerateBody, Wish
from services.generation.requests.domain import RequestGeneration
from services.generation.requests.specifications import Specification, ask_specification

A = TypeVar("A")
B = TypeVar("B")
MOST_REFERENCES = 16
"""As many as image models take; the primary photo comes first."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What the pictures of a request rest on, beside their user's wish."""

    product: Product
    references: list[PinnedPhoto]
    specification: PinnedSpecification | None
    final_prompt: str
    prompt_template: str = scene.TEMPLATE
    rerun_of: UUID | None = None


async def basis_of(bus: Bus, owner_id: UUID, product_id: UUID, body: GenerateBody) -> Basis:
    """Raises NotFound, Conflict (no_active_specification, no_reference_images) and Unavailable."""
    product, specification = await both(
        ask_product(bus, owner_id, product_id), _specification(bus, owner_id, product_id, body)
    )
    if not product.references:
        raise Conflict("upload a photo of the product first", code="no_reference_images")
    references = [
        PinnedPhoto.model_validate(one.model_dump()) for one in product.references[:MOST_REFERENCES]
    ]
    return Basis(product, references, pinned(specification), text_of(body, specification))


def pin(owner_id: UUID, basis: Basis, wish: Wish, choice: Choice, at: datetime) -> RequestGeneration:
    """The command, with an id, a seed and an object key for every picture."""
    product = basis.product
    folder = f"products/{owner_id}/{product.product_id}/generated/{at:%Y/%m}"
    return RequestGeneration(
        title=product.title,
        owner_id=owner_id,
        product_id=product.product_id,
        kind="product_image",
        prompt=wish.prompt,
        custom_prompt_override=wish.custom_prompt_override,
        final_prompt=basis.final_prompt,
        prompt_template=basis.prompt_template,
        aspect_ratio=wish.aspect_ratio,
        resolution=wish.resolution,
        images=planned(folder, wish.count, wish.seed, at),
        specification=basis.specification,
        references=basis.references,
        provider=choice.provider,
        model=choice.model,
        fallback=wish.fallback,
        fallback_from=choice.fallback_from,
        rerun_of=basis.rerun_of,
    )


def planned(folder: str, count: int, seed: int | None, at: datetime) -> list[PinnedImage]:
    """So many pictures below `folder`; their seeds follow each other, from a random one unless it is given."""
    first_seed = secrets.randbelow(SEEDS) if seed is None else seed
    return [_picture(folder, index, (first_seed + index - 1) % SEEDS, at) for index in range(1, count + 1)]


def _picture(folder: str, index: int, seed: int, at: datetime) -> PinnedImage:
    image_id = uuid7()
    name = f"{at:%Y%m%d_%H%M%S}_{image_id.hex[-12:]}.png"
    return PinnedImage(image_id=image_id, index=index, seed=seed, key=f"{folder}/{name}")


def pinned(specification: Specification | None) -> PinnedSpecification | None:
    return PinnedSpecification.model_validate(specification.model_dump()) if specification else None


def text_of(wish: Wish, specification: Specification | None) -> str:
    """The final prompt."""
    known = parse_yaml(specification.yaml_content) if specification else None
    return scene.final_prompt(wish.prompt, known, wish.custom_prompt_override)


async def both(first: Awaitable[A], second: Awaitable[B]) -> tuple[A, B]:
    """Asks two services at once; of two refusals the first one's is raised."""
    answers = await asyncio.gather(first, second, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return answers  # type: ignore[return-value]


async def _specification(
    bus: Bus, owner_id: UUID, product_id: UUID, body: GenerateBody
) -> Specification | None:
    try:
        return await ask_specification(
            bus, owner_id, product_id, specification_id=body.specification_id, version=body.version
        )
    except Conflict:
        if body.allow_without_spec:
            return None
        raise

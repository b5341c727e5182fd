"""A generation again: with everything as it was pinned, or with some of it otherwise."""

from typing import cast
from uuid import UUID

from libs.common.bus import Bus
from libs.common.contracts.generation import GenerationRequested
from libs.common.errors import Conflict
from libs.providers.prompts.scene import TEMPLATE
from libs.refs.products import ask_product
from services.generation.requests.acceptance import Basis, both, pinned, text_of
from services.generation.requests.bodies import RerunBody, Wish
from services.generation.requests.specifications import Specification, ask_specification

_TOLD = ("prompt", "custom_prompt_override", "specification_id", "version")


def wish_again(earlier: GenerationRequested, body: RerunBody) -> Wish:
    """The earlier wish with what is given; only an override can be cleared.

    Raises Conflict (not_repeatable) for what was made of no product.
    """
    if earlier.product_id is None:
        raise Conflict("only pictures of a product can be made again", code="not_repeatable")
    given = body.model_dump(exclude_unset=True, exclude={"specification_id", "version", "dry_run"})
    changes = {
        name: value for name, value in given.items() if value is not None or name == "custom_prompt_override"
    }
    before = {
        "prompt": earlier.prompt,
        "custom_prompt_override": earlier.custom_prompt_override,
        "aspect_ratio": earlier.aspect_ratio,
        "resolution": earlier.resolution,
        "count": len(earlier.images),
        "seed": earlier.images[0].seed,
        "fallback": earlier.fallback,
    }
    if not changes.keys() & {"provider", "model"}:
        before |= {"provider": earlier.provider, "model": earlier.model}
    return Wish.model_validate(before | changes)


async def basis_again(bus: Bus, request_id: UUID, earlier: GenerationRequested, body: RerunBody) -> Basis:
    """The same photos; the same text too, unless something it says is to change.

    Raises NotFound for a product deleted since or an unknown specification, and Unavailable.
    """
    product_id = cast(UUID, earlier.product_id)
    says_the_same = body.model_fields_set.isdisjoint(_TOLD)
    product, specification = await both(
        ask_product(bus, earlier.owner_id, product_id),
        _nothing() if says_the_same else _specification(bus, product_id, earlier, body),
    )
    if says_the_same:
        text, template, pin = earlier.final_prompt, earlier.prompt_template, earlier.specification
    else:
        text, template, pin = (
            text_of(wish_again(earlier, body), specification),
            TEMPLATE,
            pinned(specification),
        )
    return Basis(product, earlier.references, pin, text, template, rerun_of=request_id)


async def _nothing() -> None:
    return None


async def _specification(
    bus: Bus, product_id: UUID, earlier: GenerationRequested, body: RerunBody
) -> Specification | None:
    """The one that is asked for, or else the one that was pinned."""
    specification_id = body.specification_id
    if not (body.specification_id or body.version):
        if earlier.specification is None:
            return None
        specification_id = earlier.specification.specification_id
    return await ask_specification(
        bus, earlier.owner_id, product_id, specification_id=specification_id, version=body.version
    )

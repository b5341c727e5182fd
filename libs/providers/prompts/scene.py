"""A picture of a product in a scene: what the specification knows about the product, then the user's words."""

from collections.abc import Iterable

from libs.providers.prompts.product import facts
from libs.providers.specification import ProductSpec

TEMPLATE = "product-scene/1"
"""Pinned with every generation; a change of the wording below gets a new name."""

MOST_FACTS = 8_000
"""In characters: behind more of them models lose sight of the scene, and some refuse the prompt."""

FAITHFUL = (
    "Show the product exactly as in the reference photos: "
    "same shape, proportions, colours, material, texts and logos."
)


def final_prompt(scene: str, specification: ProductSpec | None, override: str | None = None) -> str:
    """What the provider is told; `override` takes the place of everything that is said about the product."""
    about = override or "\n\n".join(_about(specification))
    return f"{about}\n\nScene: {scene}"


def _about(specification: ProductSpec | None) -> Iterable[str]:
    title = f" of {specification.title}" if specification and specification.title else ""
    yield f"A product photograph{title}. {FAITHFUL}"
    if specification and (known := list(facts(specification))):
        yield "\n".join(["About the product:", *(f"- {fact}" for fact in _most(known))])


def _most(known: Iterable[str]) -> Iterable[str]:
    left = MOST_FACTS
    for fact in known:
        left -= len(fact)
        if left < 0:
            yield "(more is known, and left out)"
            return
        yield fact

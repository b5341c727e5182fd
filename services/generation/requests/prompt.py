"""The text that asks for a picture: what the specification knows about the product, then the user's scene."""

from collections.abc import Iterable

from libs.providers.specification import Colour, Dimension, ProductSpec

TEMPLATE = "product-scene/1"
"""Pinned with every generation; a change of the wording below gets a new name."""

FAITHFUL = (
    "Show the product exactly as in the reference photos: "
    "same shape, proportions, colours, material, texts and logos."
)

ORIGIN = frozenset({"provider", "method", "needs_review"})
"""What a specification says of itself, not of the product."""


def final_prompt(scene: str, specification: ProductSpec | None, override: str | None = None) -> str:
    """What the provider is told; `override` takes the place of everything that is said about the product."""
    about = override or "\n\n".join(_about(specification))
    return f"{about}\n\nScene: {scene}"


def _about(specification: ProductSpec | None) -> Iterable[str]:
    title = f" of {specification.title}" if specification and specification.title else ""
    yield f"A product photograph{title}. {FAITHFUL}"
    if specification and (facts := list(_facts(specification))):
        yield "\n".join(["About the product:", *(f"- {fact}" for fact in facts)])


def _facts(specification: ProductSpec) -> Iterable[str]:
    if specification.category and specification.category.value:
        yield f"Category: {specification.category.value}"
    if specification.dimensions and specification.dimensions.items:
        yield "Size: " + ", ".join(_dimension(item) for item in specification.dimensions.items)
    if specification.colours and specification.colours.items:
        yield "Colours: " + ", ".join(_colour(item) for item in specification.colours.items)
    if specification.material and specification.material.primary:
        yield f"Material: {specification.material.primary}"
    if specification.features and specification.features.items:
        yield "Features: " + "; ".join(specification.features.items)
    yield from _own_words(specification)


def _dimension(item: Dimension) -> str:
    about = "about " if item.basis == "estimated" else ""
    return f"{item.axis} {about}{item.value:g} {item.unit}"


def _colour(item: Colour) -> str:
    return f"{item.name} ({item.hex})" if item.name else item.hex


def _own_words(specification: ProductSpec) -> Iterable[str]:
    """Plain entries that the user added to the YAML."""
    for key, value in (specification.model_extra or {}).items():
        values = value if isinstance(value, list) else [value]
        if key not in ORIGIN and values and all(isinstance(one, str | int | float) for one in values):
            yield f"{key.replace('_', ' ').capitalize()}: {', '.join(str(one) for one in values)}"

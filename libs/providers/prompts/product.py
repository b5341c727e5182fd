"""What a specification knows about its product, in lines for any prompt."""

from collections.abc import Iterable

from libs.providers.specification import Colour, Dimension, ProductSpec

ORIGIN = frozenset({"provider", "method", "needs_review"})
"""What a specification says of itself, not of the product."""


def facts(specification: ProductSpec) -> Iterable[str]:
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

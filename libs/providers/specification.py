"""The product specification `product-spec/1` and the columns read from it.

Providers write it and users edit it: every section is optional, and keys of the user's own are kept.
"""

from typing import Annotated, Literal, Self

import pydantic

TEMPLATE_VERSION = "1.0"
UNITS = {"volume": ("ml", "l"), "weight": ("g", "kg")}
"""Of the axes that are no lengths."""
MILLIMETRES = {"mm": 1.0, "cm": 10.0, "m": 1000.0, "in": 25.4}

Share = Annotated[float, pydantic.Field(ge=0, le=1)]


class Section(pydantic.BaseModel):
    """Unknown keys are the user's own and stay."""

    model_config = pydantic.ConfigDict(
        extra="allow", frozen=True, allow_inf_nan=False, coerce_numbers_to_str=True, serialize_by_alias=True
    )


class Dimension(Section):
    """`basis` says how the value came about; only `estimated` was read from a picture without any scale."""

    axis: Literal["width", "height", "depth", "diameter", "length", "volume", "weight"]
    value: float = pydantic.Field(gt=0)
    unit: Literal["mm", "cm", "m", "in", "ml", "l", "g", "kg"]
    basis: Literal["measured", "printed_on_product", "reference_object", "given", "estimated"] = "given"

    @pydantic.model_validator(mode="after")
    def _unit_suits_axis(self) -> Self:
        if self.unit not in UNITS.get(self.axis, MILLIMETRES):
            raise ValueError(f"{self.axis} is not measured in {self.unit}")
        return self


class Dimensions(Section):
    items: tuple[Dimension, ...] = ()
    confidence: Share | None = None
    note: str | None = None


class Colour(Section):
    hex: str = pydantic.Field(pattern=r"^#[0-9a-fA-F]{6}$")
    name: str | None = None
    share: Share | None = None


class Colours(Section):
    items: tuple[Colour, ...] = ()
    confidence: Share | None = None


class Material(Section):
    primary: str | None = None
    confidence: Share | None = None


class Category(Section):
    value: str | None = None
    confidence: Share | None = None


class Features(Section):
    items: tuple[str, ...] = ()
    confidence: Share | None = None


class Box(Section):
    """Shares of the picture's width and height, from its top left corner."""

    x: Share
    y: Share
    w: Share
    h: Share


class Defect(Section):
    """Of the product, or of the photo that shows it."""

    kind: str
    scope: Literal["photo", "product"] = "product"
    severity: Literal["low", "medium", "high"] = "low"
    confidence: Share | None = None
    description: str = ""
    image: int = pydantic.Field(default=0, ge=0)
    """Which of the reference photos, counted from 0."""
    box: Box | None = None


class Attribute(Section):
    """Something asked about the product, such as its pattern; `None` means that the photo does not tell."""

    name: str
    value: str | None = None
    confidence: Share | None = None


class ProductSpec(Section):
    """What is known about a product. `None` means that it cannot be known from the photos."""

    schema_: Literal["product-spec/1"] = pydantic.Field(default="product-spec/1", alias="schema")
    template_version: str = TEMPLATE_VERSION
    title: str | None = None
    category: Category | None = None
    dimensions: Dimensions | None = None
    colours: Colours | None = None
    material: Material | None = None
    features: Features | None = None
    defects: tuple[Defect, ...] = ()
    confidence: Share | None = None

    @property
    def confidence_overall(self) -> float | None:
        return None if self.confidence is None else round(self.confidence, 2)

    @property
    def primary_dimensions(self) -> dict[str, float | str] | None:
        """Lengths by axis in the first one's unit, as in `{"width": 80.0, "height": 95.5, "unit": "mm"}`."""
        lengths = [d for d in self.dimensions.items if d.unit in MILLIMETRES] if self.dimensions else []
        if not lengths:
            return None
        unit = lengths[0].unit
        scale = MILLIMETRES[unit]
        values: dict[str, float | str] = {
            d.axis: round(d.value * MILLIMETRES[d.unit] / scale, 2) for d in lengths
        }
        return values | {"unit": unit}

    @property
    def primary_colors(self) -> list[dict[str, str | None]]:
        return [{"hex": c.hex, "name": c.name} for c in self.colours.items] if self.colours else []

    @property
    def material_type(self) -> str | None:
        return self.material.primary if self.material else None

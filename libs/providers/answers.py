"""The forms in which models answer. Every field is required and unknown is null, as strict schemas want it.

A model's word is checked twice: its form here, its ranges by the specification's own types.
"""

from functools import cache
from typing import Annotated, Any, Literal, Self

import pydantic

from libs.providers.errors import LONGEST_TEXT, cut
from libs.providers.specification import TEMPLATE_VERSION, Attribute, Box, Defect, ProductSpec

Share = Annotated[float, pydantic.Field(ge=0, le=1)]
Hex = Annotated[str, pydantic.Field(pattern=r"^#[0-9a-fA-F]{6}$")]
UNSURE = 0.5
LONGEST_SPECIFICATION = 15_000
"""In characters of JSON: as YAML that has no more values, and is no longer, than one may be."""


LARGEST = {
    "mm": 100_000,
    "cm": 10_000,
    "m": 100,
    "in": 4_000,
    "ml": 10_000_000,
    "l": 10_000,
    "g": 100_000_000,
    "kg": 100_000,
}
"""Of a product, in each unit: more is a slip of the unit, or no answer."""
ROUNDED = 0.05
"""By how much shares that a model has rounded may exceed the whole."""


class Answer(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@cache
def schema_of(form: type[Answer]) -> dict[str, Any]:
    """The JSON schema that is sent with a question: strict, which is to say every key required and no other allowed."""
    return form.model_json_schema()


class DimensionAnswer(Answer):
    axis: Literal["width", "height", "depth", "diameter", "length", "volume", "weight"]
    value: float
    unit: Literal["mm", "cm", "m", "in", "ml", "l", "g", "kg"]
    basis: Literal["printed_on_product", "reference_object", "given", "estimated"]

    @pydantic.model_validator(mode="after")
    def _possible(self) -> Self:
        if not 0 < self.value <= LARGEST[self.unit]:
            raise ValueError(f"no product has a {self.axis} of {self.value:g} {self.unit}")
        return self


class DimensionsAnswer(Answer):
    items: list[DimensionAnswer]
    confidence: Share
    note: str | None


class ColourAnswer(Answer):
    hex: Hex
    name: str
    share: Share


class ColoursAnswer(Answer):
    items: list[ColourAnswer]
    confidence: Share

    @pydantic.model_validator(mode="after")
    def _of_one_product(self) -> Self:
        if sum(colour.share for colour in self.items) > 1 + ROUNDED:
            raise ValueError("the colours have more than the whole product")
        return self


class MaterialAnswer(Answer):
    primary: str | None
    confidence: Share


class CategoryAnswer(Answer):
    value: str | None
    confidence: Share


class FeaturesAnswer(Answer):
    items: list[str]
    confidence: Share


class BoxAnswer(Answer):
    x: Share
    y: Share
    w: Share
    h: Share

    @pydantic.model_validator(mode="after")
    def _in_the_picture(self) -> Self:
        if max(self.x + self.w, self.y + self.h) > 1 + ROUNDED:
            raise ValueError("the box reaches out of the picture")
        return self


class DefectAnswer(Answer):
    kind: str
    scope: Literal["photo", "product"]
    severity: Literal["low", "medium", "high"]
    confidence: Share
    description: str
    image: int
    box: BoxAnswer | None

    def defect(self) -> Defect:
        box = Box.model_validate(self.box.model_dump()) if self.box else None
        return Defect.model_validate(self.model_dump(exclude={"box"}) | {"box": box})


class DefectsAnswer(Answer):
    defects: list[DefectAnswer]

    def found(self) -> tuple[Defect, ...]:
        return tuple(defect.defect() for defect in self.defects)


class SpecificationAnswer(Answer):
    title: str | None
    category: CategoryAnswer
    dimensions: DimensionsAnswer
    colours: ColoursAnswer
    material: MaterialAnswer
    features: FeaturesAnswer
    defects: list[DefectAnswer]
    confidence: Share

    def specification(self, provider: str) -> ProductSpec:
        """Raises ValueError for what no product can be, such as a negative length, and for what nobody can keep."""
        told = self.model_dump_json()
        if len(told) > LONGEST_SPECIFICATION or "\\u0000" in told:
            raise ValueError("it cannot be kept as a specification")
        sections = {
            name: section.confidence
            for name, section in self
            if isinstance(section, Answer) and hasattr(section, "confidence")
        }
        document = {"schema": "product-spec/1", "template_version": TEMPLATE_VERSION, **self.model_dump()}
        document["colours"]["items"].sort(key=lambda colour: -colour["share"])
        document["provider"] = provider
        document["needs_review"] = [name for name, confidence in sections.items() if confidence < UNSURE]
        return ProductSpec.model_validate(document)


class LabelAnswer(Answer):
    label: str
    confidence: Share


class ClassificationAnswer(Answer):
    labels: list[LabelAnswer]

    def scores(self, asked: tuple[str, ...]) -> dict[str, float]:
        """By label; of those that were asked for alone, if any were, and 0 for those it left out."""
        told = {label.label: label.confidence for label in self.labels}
        return {label: told.get(label, 0.0) for label in asked} if asked else told


class AttributeAnswer(Answer):
    name: str
    value: str | None
    confidence: Share


class AttributesAnswer(Answer):
    attributes: list[AttributeAnswer]

    def told(self, names: tuple[str, ...]) -> tuple[Attribute, ...]:
        """One per name, in their order; unknown is None."""
        by_name = {one.name: Attribute.model_validate(one.model_dump()) for one in self.attributes}
        return tuple(by_name.get(name) or Attribute(name=name, confidence=0.0) for name in names)


class PromptsAnswer(Answer):
    prompts: list[str]

    def first(self, count: int) -> tuple[str, ...]:
        """Raises ValueError for fewer than were asked for."""
        if len(self.prompts) < count:
            raise ValueError(f"{len(self.prompts)} prompts instead of {count}")
        return tuple(cut(prompt, LONGEST_TEXT) for prompt in self.prompts[:count])

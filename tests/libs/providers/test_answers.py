"""Models' answers become specifications, and what cannot be is refused."""

from typing import Any

import pydantic
import pytest

from libs.providers import spec_yaml
from libs.providers.answers import (
    Answer,
    AttributesAnswer,
    ClassificationAnswer,
    DefectsAnswer,
    PromptsAnswer,
    SpecificationAnswer,
    schema_of,
)
from libs.providers.base import Hints, KnownSize
from libs.providers.described import LEFT_OUT, as_stated
from libs.providers.specification import Attribute, ProductSpec

DEFECT = {
    "kind": "chip",
    "scope": "product",
    "severity": "low",
    "confidence": 0.7,
    "description": "at the rim",
    "image": 1,
    "box": {"x": 0.1, "y": 0.2, "w": 0.05, "h": 0.05},
}


def answer(**change: Any) -> SpecificationAnswer:
    height = {"axis": "height", "value": 95.5, "unit": "mm", "basis": "printed_on_product"}
    return SpecificationAnswer.model_validate(
        {
            "title": "Stoneware mug",
            "category": {"value": "mug", "confidence": 0.9},
            "dimensions": {"items": [height], "confidence": 0.8, "note": None},
            "colours": {"items": [{"hex": "#1f6f78", "name": "teal", "share": 0.7}], "confidence": 0.9},
            "material": {"primary": None, "confidence": 0.2},
            "features": {"items": ["handle on the right"], "confidence": 0.8},
            "defects": [DEFECT],
            "confidence": 0.75,
        }
        | change
    )


def test_an_answer_becomes_a_specification_that_survives_its_yaml() -> None:
    spec = answer().specification("openai")
    assert (spec.title, spec.confidence_overall, spec.template_version) == ("Stoneware mug", 0.75, "1.0")
    assert spec.primary_dimensions == {"height": 95.5, "unit": "mm"}
    assert spec.material
    assert spec.material.primary is None
    assert spec.defects[0].box
    assert (spec.model_extra or {})["needs_review"] == ["material"]
    text = spec_yaml.dump(spec)
    assert text.startswith("schema: product-spec/1\ntemplate_version: '1.0'\ntitle: Stoneware mug\n")
    assert "primary: null" in text
    assert spec_yaml.parse_yaml(text) == spec


def sized(*items: tuple[str, float, str, str]) -> dict[str, Any]:
    told = [
        {"axis": axis, "value": value, "unit": unit, "basis": basis} for axis, value, unit, basis in items
    ]
    return {"items": told, "confidence": 0.6, "note": None}


def stated(dimensions: dict[str, Any], hints: Hints) -> list[tuple[str, float, str, str]]:
    spec = as_stated(answer(dimensions=dimensions).specification("openai"), hints)
    assert spec.dimensions
    return [(item.axis, item.value, item.unit, item.basis) for item in spec.dimensions.items]


HEIGHT = Hints(title="My mug", known_size=KnownSize("height", 12, "cm"))


def test_the_users_title_wins() -> None:
    assert as_stated(answer().specification("openai"), HEIGHT).title == "My mug"
    assert as_stated(answer().specification("openai"), Hints()).title == "Stoneware mug"


def test_a_known_size_wins_and_what_was_estimated_keeps_its_proportion_to_it() -> None:
    told = sized(
        ("width", 80, "mm", "estimated"),
        ("height", 100, "mm", "estimated"),
        ("depth", 60, "mm", "printed_on_product"),
        ("volume", 300, "ml", "estimated"),
    )
    assert stated(told, HEIGHT) == [
        ("height", 12, "cm", "given"),
        ("width", 96, "mm", "estimated"),
        ("depth", 60, "mm", "printed_on_product"),
        ("volume", 300, "ml", "estimated"),
    ]


def test_who_is_far_off_with_the_known_size_knows_none_by_guessing() -> None:
    told = sized(("width", 8, "mm", "estimated"), ("height", 10, "mm", "estimated"))
    assert stated(told, HEIGHT) == [("height", 12, "cm", "given")]
    spec = as_stated(answer(dimensions=told).specification("openai"), HEIGHT)
    assert spec.dimensions
    assert spec.dimensions.note == LEFT_OUT


def test_a_known_size_is_there_even_if_nothing_was_said_about_it() -> None:
    assert stated(sized(("width", 80, "mm", "estimated")), HEIGHT) == [
        ("height", 12, "cm", "given"),
        ("width", 80, "mm", "estimated"),
    ]
    assert as_stated(ProductSpec(), HEIGHT).primary_dimensions == {"height": 12, "unit": "cm"}


@pytest.mark.parametrize("form", [SpecificationAnswer, DefectsAnswer, ClassificationAnswer, PromptsAnswer])
def test_schemas_are_strict_as_strict_modes_want_them(form: type[Answer]) -> None:
    schema = schema_of(form)
    for part in [schema, *schema.get("$defs", {}).values()]:
        assert part["additionalProperties"] is False
        assert part["required"] == list(part["properties"])
        assert not any("default" in one for one in part["properties"].values())


@pytest.mark.parametrize(
    "change",
    [
        {"confidence": 1.2},
        {"colours": {"items": [{"hex": "teal", "name": "teal", "share": 0.7}], "confidence": 0.9}},
        {"colours": {"items": [{"hex": "#1f6f78", "name": "teal", "share": 0.6}] * 2, "confidence": 0.9}},
        {"dimensions": sized(("height", -1, "mm", "estimated"))},
        {"dimensions": sized(("height", 0, "mm", "estimated"))},
        {"dimensions": sized(("height", 95.5, "m", "estimated"), ("width", 955, "m", "estimated"))},
        {"dimensions": sized(("weight", 250_000, "kg", "estimated"))},
        {"defects": [DEFECT | {"box": {"x": 0.9, "y": 0.1, "w": 0.4, "h": 0.1}}]},
    ],
)
def test_what_no_product_can_be_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        answer(**change).specification("openai")


def test_the_most_frequent_colour_comes_first_whatever_the_model_puts_there() -> None:
    told = [{"hex": f"#{share}0000", "name": "red", "share": share / 100} for share in (20, 50, 30)]
    spec = answer(colours={"items": told, "confidence": 0.9}).specification("openai")
    assert [colour["hex"] for colour in spec.primary_colors] == ["#500000", "#300000", "#200000"]


def test_rounded_shares_may_exceed_the_whole() -> None:
    thirds = [{"hex": "#1f6f78", "name": "teal", "share": 0.34}] * 3
    assert answer(colours={"items": thirds, "confidence": 0.9}).specification("openai").colours


def test_classification_answers_what_was_asked() -> None:
    told = ClassificationAnswer.model_validate(
        {"labels": [{"label": "mug", "confidence": 0.9}, {"label": "cup", "confidence": 0.4}]}
    )
    assert told.scores(("mug", "vase")) == {"mug": 0.9, "vase": 0.0}
    assert told.scores(()) == {"mug": 0.9, "cup": 0.4}


def test_attributes_come_in_the_order_of_the_question_and_missing_ones_are_unknown() -> None:
    told = AttributesAnswer.model_validate(
        {
            "attributes": [
                {"name": "fit", "value": None, "confidence": 0.1},
                {"name": "pattern", "value": "striped", "confidence": 0.9},
            ]
        }
    )
    assert told.told(("pattern", "neckline", "fit")) == (
        Attribute(name="pattern", value="striped", confidence=0.9),
        Attribute(name="neckline", confidence=0.0),
        Attribute(name="fit", confidence=0.1),
    )


def test_defects_keep_their_place() -> None:
    [defect] = DefectsAnswer.model_validate({"defects": [DEFECT]}).found()
    assert (defect.kind, defect.image) == ("chip", 1)
    assert defect.box
    assert defect.box.w == 0.05

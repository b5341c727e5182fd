"""Specifications edited by people: what is fine, and what is refused with its line."""

from pathlib import Path
from typing import Any

import pytest

from libs.common.errors import Invalid
from libs.providers.local.specification import WEIGHTS
from libs.providers.spec_yaml import MAX_CHARACTERS, dump, parse_yaml
from libs.providers.specification import ProductSpec

SPEC = """\
schema: product-spec/1
template_version: '1.0'
title: Mug
dimensions:
  items:
  - {axis: width, value: 80, unit: mm, basis: measured}
  - {axis: height, value: 9.55, unit: cm}
  - {axis: weight, value: 350, unit: g}
  confidence: 0.8
colours:
  items:
  - hex: '#205e8b'
    name: blue
    share: 0.67
material:
  primary: stoneware
confidence: 0.876
care: [dishwasher, microwave]  # the user's own
"""


def refusal(text: str) -> Invalid:
    with pytest.raises(Invalid) as error:
        parse_yaml(text)
    assert error.value.code == "invalid_yaml"
    assert all(item["loc"][0] == "yaml_content" for item in error.value.errors)
    return error.value


def test_the_columns_are_read_from_the_specification() -> None:
    spec = parse_yaml(SPEC)
    assert spec.title == "Mug"
    assert spec.primary_dimensions == {"width": 80.0, "height": 95.5, "unit": "mm"}
    assert spec.primary_colors == [{"hex": "#205e8b", "name": "blue"}]
    assert spec.material_type == "stoneware"
    assert spec.confidence_overall == 0.88
    assert spec.template_version == "1.0"


def test_everything_is_optional() -> None:
    spec = parse_yaml("title: Mug")
    assert spec.primary_dimensions is None
    assert spec.primary_colors == []
    assert spec.material_type is None
    assert spec.confidence_overall is None


def test_keys_of_the_users_own_survive() -> None:
    spec = parse_yaml(SPEC)
    assert spec.model_extra == {"care": ["dishwasher", "microwave"]}
    assert parse_yaml(dump(spec)) == spec


@pytest.mark.parametrize("title", ["1e5", "08", "0.1e1", "no", "~", "a: b", "# 1", "a\x85b", "a\n\n b", " "])
def test_a_title_is_read_as_it_was_written(title: str) -> None:
    assert parse_yaml(dump(ProductSpec(title=title))).title == title


def test_scalars_are_json_and_words_stay_words() -> None:
    text = "a: no\nb: 2026-01-02\nc: 1:30\nd: 1e3\ne: ~\nf: 010\ng: '5'\nh: .nan\ni: 99999999999999999999"
    assert parse_yaml(text).model_extra == {
        "a": "no",
        "b": "2026-01-02",
        "c": "1:30",
        "d": 1000.0,
        "e": None,
        "f": 10,
        "g": "5",
        "h": ".nan",
        "i": 1e20,
    }


@pytest.mark.parametrize(
    ("text", "line", "kind"),
    [
        ("title: [", 2, "yaml_syntax"),
        ("title: Mug\nmaterial: a: b", 2, "yaml_syntax"),
        ("title: Mug\n\tcolours: 1", 2, "yaml_syntax"),
        ("- a list", 1, "yaml_type"),
        ("", 1, "yaml_type"),
        ("a: 1\n---\nb: 2", 2, "yaml_syntax"),
        ("a: 1\nb: 2\na: 3", 3, "yaml_duplicate_key"),
        ("a: 1\n? [b]\n: c", 2, "yaml_type"),
        ("a: 1\nb: !!python/object/apply:os.system [x]", 2, "yaml_tag"),
        ('a: 1\nb: "\\0"', 2, "yaml_syntax"),
        ("a: \x00", 1, "yaml_syntax"),
        ("a: \ud800", 1, "yaml_syntax"),
        ("schema: another/2", 1, "literal_error"),
        ("colours:\n  items:\n  - hex: blue", 3, "string_pattern_mismatch"),
        ("dimensions:\n  items:\n  - axis: width\n    value: -1\n    unit: mm", 4, "greater_than"),
        ("dimensions:\n  items:\n  - axis: weight\n    value: 1\n    unit: mm", 3, "value_error"),
        ("defects:\n- kind: chip\n  image: -1", 3, "greater_than_equal"),
        ("title: Mug\nconfidence: 7", 2, "less_than_equal"),
        ("title: Mug\nmaterial: wood", 2, "model_type"),
    ],
)
def test_refuses_with_the_line(text: str, line: int, kind: str) -> None:
    error = refusal(text)
    assert (error.errors[0]["loc"][1], error.errors[0]["type"]) == (line, kind)
    assert error.detail.startswith(f"line {line}: ")


def test_every_mistake_is_reported() -> None:
    error = refusal("confidence: 7\ncolours:\n  items:\n  - hex: blue\n  - hex: red")
    assert [item["loc"][1:] for item in error.errors] == [[4, 10], [5, 10], [1, 13]]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\nd: [*c,*c,*c]", "yaml_alias"),
        ("a: &a\n  b: *a", "yaml_alias"),
        ("a: " + "[" * 50_000, "yaml_too_deep"),
        ("a: " + "{b: " * 100 + "1" + "}" * 100, "yaml_too_deep"),
        ("".join(" " * depth + "a:\n" for depth in range(200)), "yaml_too_deep"),
        ("a: [" + "1," * 20_000 + "]", "yaml_too_large"),
        ("a: " + "x" * MAX_CHARACTERS, "yaml_too_long"),
        ("a: " + "9" * 90_000, None),
    ],
)
def test_bombs_are_refused_without_being_built(text: str, kind: str | None) -> None:
    if kind is None:
        assert isinstance(parse_yaml(text).model_extra["a"], str)  # type: ignore[index]
    else:
        assert refusal(text).errors[0]["type"] == kind


def test_a_specification_by_a_provider_is_written_in_its_own_order() -> None:
    document: dict[str, Any] = {
        "schema": "product-spec/1",
        "title": "Mug",
        "category": {"value": None, "confidence": 0},
    }
    text = dump(ProductSpec.model_validate(document))
    assert text == "schema: product-spec/1\ntitle: Mug\ncategory:\n  value: null\n  confidence: 0.0\n"


def test_the_samples_of_the_documentation_are_specifications() -> None:
    page = (Path(__file__).parents[3] / "docs" / "specification.md").read_text()
    samples = [block.split("```")[0] for block in page.split("```yaml\n")[1:]]
    assert len(samples) >= 2
    written, measured = parse_yaml(samples[0]), parse_yaml(samples[1])
    assert set(ProductSpec.model_fields) <= written.model_fields_set & measured.model_fields_set
    sections = {name: getattr(measured, name).confidence for name in WEIGHTS}
    overall = sum(weight * sections[name] for name, weight in WEIGHTS.items())
    assert measured.confidence_overall == pytest.approx(overall, abs=0.01)
    assert (measured.model_extra or {})["needs_review"] == [name for name in WEIGHTS if sections[name] < 0.5]
    assert written.material
    assert written.material.primary is None
    assert [parse_yaml(sample).schema_ for sample in samples] == ["product-spec/1"] * len(samples)


def test_a_confidence_that_nobody_gave_is_unknown_and_not_zero() -> None:
    spec = parse_yaml("category: {value: mug}\ncolours: {confidence: 0.9}\ndefects: [{kind: chip}]\n")
    assert spec.category
    assert (spec.category.confidence, spec.defects[0].confidence) == (None, None)
    assert (spec.confidence, spec.confidence_overall) == (None, None)

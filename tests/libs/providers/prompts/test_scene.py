from libs.providers.prompts.scene import final_prompt
from libs.providers.spec_yaml import parse_yaml

SPECIFICATION = parse_yaml(
    """
schema: product-spec/1
provider: local
title: Stoneware mug
category: {value: mug, confidence: 0.8}
dimensions:
  items:
    - {axis: height, value: 95.5, unit: mm, basis: measured}
    - {axis: volume, value: 300, unit: ml, basis: estimated}
colours:
  items:
    - {hex: "#1f6f78", name: teal, share: 0.7}
    - {hex: "#ffffff"}
material: {primary: glazed ceramic}
features: {items: [handle on the right, matte foot]}
brand: Kiln & Co
keep_visible: [the stamp, the glaze run]
internal: {sku: 12}
needs_review: [material]
"""
)


def test_the_prompt_tells_what_the_specification_knows_and_then_the_scene() -> None:
    assert final_prompt("on an oak table, morning light", SPECIFICATION) == (
        "A product photograph of Stoneware mug. Show the product exactly as in the reference photos: same "
        "shape, proportions, colours, material, texts and logos.\n"
        "\n"
        "About the product:\n"
        "- Category: mug\n"
        "- Size: height 95.5 mm, volume about 300 ml\n"
        "- Colours: teal (#1f6f78), #ffffff\n"
        "- Material: glazed ceramic\n"
        "- Features: handle on the right; matte foot\n"
        "- Brand: Kiln & Co\n"
        "- Keep visible: the stamp, the glaze run\n"
        "\n"
        "Scene: on an oak table, morning light"
    )


def test_without_a_specification_only_faithfulness_is_asked_for() -> None:
    assert final_prompt("on snow", None) == (
        "A product photograph. Show the product exactly as in the reference photos: same shape, proportions, "
        "colours, material, texts and logos.\n\nScene: on snow"
    )


def test_an_empty_specification_lists_no_facts() -> None:
    bare = parse_yaml("schema: product-spec/1\ntitle: Mug\n")
    assert final_prompt("on snow", bare).startswith("A product photograph of Mug. ")
    assert "About the product" not in final_prompt("on snow", bare)


def test_an_override_takes_the_place_of_everything_about_the_product() -> None:
    assert final_prompt("on snow", SPECIFICATION, "A teal mug, oil painting.") == (
        "A teal mug, oil painting.\n\nScene: on snow"
    )


def test_a_long_specification_is_told_in_part_and_never_at_the_scene_s_cost() -> None:
    lines = "\n".join(f"note_{number}: {'x' * 990}" for number in range(20))
    told = final_prompt("on snow", parse_yaml(f"schema: product-spec/1\ntitle: Mug\n{lines}\n"))
    assert (told.count("- Note "), len(told) < 9_000) == (8, True)
    assert told.endswith("- (more is known, and left out)\n\nScene: on snow")

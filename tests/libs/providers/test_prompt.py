import pytest

from libs.providers.local.prompt import parse


@pytest.mark.parametrize(
    ("prompt", "scene"),
    [
        ("", "studio"),
        ("mug on a marble countertop", "marble"),
        ("a table in the garden", "forest"),
        ("on a table", "wood"),
        ("sunset sky", "sunset"),
        ("no marble, concrete please", "concrete"),
        ("on white background", "studio"),
    ],
)
def test_the_scene_is_the_first_one_named(prompt: str, scene: str) -> None:
    assert parse(prompt).scene == scene


def test_words_set_light_place_and_camera() -> None:
    plan = parse("Warm, moody flat lay on linen, close-up, on the left, no shadow")
    assert (plan.warmth, plan.light, plan.view) == (1.0, "dark", "top")
    assert (plan.scale, plan.place, plan.shadow) == (1.28, -0.45, False)


def test_colours_are_css_names_codes_and_printable_words() -> None:
    assert parse("light blue to #aabbcc").colours == [(173, 216, 230), (170, 187, 204)]
    assert parse("blue wall").colours == [(74, 120, 181)]
    assert parse("orange wood").colours == []


def test_words_without_effect_are_reported_and_small_words_are_not() -> None:
    plan = parse("a product photo of my unicorn on the marble, with a dragon")
    assert plan.ignored == ["unicorn", "dragon"]
    assert plan.used == ["marble"]


def test_a_second_scene_is_reported_as_ignored() -> None:
    plan = parse("marble in the forest")
    assert (plan.scene, plan.ignored) == ("marble", ["forest"])


def test_the_request_decides_the_view_unless_it_is_auto() -> None:
    assert parse("flat lay", "front").view == "front"
    assert parse("marble", "top").view == "top"
    assert parse("marble", "auto").view == "front"

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


WHITE, BLUE, RED = (250, 250, 250), (74, 120, 181), (184, 67, 58)


@pytest.mark.parametrize(
    ("prompt", "scene", "excluded"),
    [
        ("studio, no plants", "studio", ["plants"]),
        ("a bright kitchen without any wood", "kitchen", ["wood"]),
        ("without wood and plants on marble", "marble", ["wood", "plants"]),
        ("no marble, sand or green leaves", "studio", ["marble", "sand", "green", "leaves"]),
        ("no marble and soft light on sand", "sand", ["marble"]),
        ("not on wood, on concrete", "concrete", ["wood"]),
        ("don't use wood; sand please", "sand", ["wood"]),
        ("concrete instead of wood", "concrete", ["wood"]),
        ("a wood-free studio", "studio", ["wood"]),
        ("ohne Marmor, kein Forest", "studio", ["marmor", "forest"]),
        ("avoid wood, plants, neon. Marble", "marble", ["wood", "plants", "neon"]),
        ("no, marble", "marble", []),
        ("no traces of wood on marble", "marble", ["traces", "wood"]),
    ],
)
def test_what_is_not_wanted_is_not_painted_but_told(prompt: str, scene: str, excluded: list[str]) -> None:
    plan = parse(prompt)
    assert (plan.scene, plan.excluded, plan.colours) == (scene, excluded, [])


def test_light_and_colours_that_are_not_wanted_are_not_used() -> None:
    assert parse("not too dark, marble").light == "soft"
    assert parse("not dark but bright").light == "bright"
    assert parse("not red but blue background").wall == [BLUE]
    plan = parse("without shadows and reflections")
    assert (plan.shadow, plan.excluded, plan.used) == (False, [], ["no shadows", "no reflections"])


@pytest.mark.parametrize(
    ("prompt", "surface", "wall"),
    [
        ("a red bag on a white marble table against a blue wall", [WHITE], [BLUE]),
        ("red leather bag, white floor, background in blue", [WHITE], [BLUE]),
        ("a bag in red on marble, wall: blue", [], [BLUE]),
        ("red and white terrazzo", [RED, WHITE], []),
        ("red and white background", [], [RED, WHITE]),
        ("blue sky with clouds", [], [BLUE]),
        ("a blue mug with a red bow, studio shot", [], []),
    ],
)
def test_a_colour_belongs_to_the_noun_it_stands_before(
    prompt: str, surface: list[tuple[int, int, int]], wall: list[tuple[int, int, int]]
) -> None:
    plan = parse(prompt)
    assert (plan.surface, plan.wall, plan.colours) == (surface, wall, [])


def test_what_the_product_is_like_changes_no_scene() -> None:
    plan = parse("a small dark glass bottle on sand")
    assert (plan.scene, plan.light, plan.scale) == ("sand", "soft", 1.0)
    assert plan.ignored == ["small", "dark", "glass", "bottle"]
    assert parse("kitchen knife on wood").scene == "wood"
    assert parse("on a wooden plank").scene == "wood"


def test_lights_have_colours_of_their_own() -> None:
    plan = parse("purple neon lights at night, on a black table")
    assert (plan.scene, plan.lights, plan.surface) == ("city", [(125, 90, 158)], [(23, 24, 27)])


def test_words_set_light_place_and_camera() -> None:
    plan = parse("Warm, moody flat lay on linen, close-up, on the left, no shadow")
    assert (plan.warmth, plan.light, plan.view) == (1.0, "dark", "top")
    assert (plan.scale, plan.place, plan.shadow) == (1.28, -0.45, False)


def test_colours_are_css_names_codes_and_printable_words() -> None:
    assert parse("light blue to #aabbcc").colours == [(173, 216, 230), (170, 187, 204)]
    assert parse("forest green").colours == [(34, 139, 34)]
    assert parse("sage green, #0a5").colours == [(179, 191, 163), (0, 170, 85)]
    assert parse("orange wood").surface == []


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

"""Prompts that the local provider suggests are prompts that it understands."""

import re
from dataclasses import replace

from libs.providers.base import Brief
from libs.providers.local.prompt import parse
from libs.providers.local.provider import LocalProvider
from libs.providers.local.suggestions import PHRASES, suggest
from libs.providers.local.vocabulary import SCENES

BRIEF = Brief("Ceramics from the forest, for a warm kitchen", "Morning Ember", colours=("sage", "#aabbcc"))


def test_every_scene_is_named_by_its_phrase() -> None:
    assert PHRASES.keys() == set(SCENES.values())
    assert {scene: parse(phrase).scene for scene, phrase in PHRASES.items()} == {s: s for s in PHRASES}


def test_what_the_brief_names_comes_first_and_nothing_is_without_effect() -> None:
    prompts = suggest(BRIEF, 6)
    assert len(set(prompts)) == 6
    plans = [parse(prompt) for prompt in prompts]
    assert [plan.scene for plan in plans[:2]] == ["forest", "kitchen"]
    assert len({plan.scene for plan in plans}) == 6
    assert all(plan.warmth == 1.0 and (0xAA, 0xBB, 0xCC) in plan.colours for plan in plans)
    assert not any(plan.ignored for plan in plans)


FORBIDDEN = Brief(
    "Forest green and cream ceramics. No wood, not dark, without plants or reflections.",
    "Sand & Dark Sky",
    industry="home",
    styles=("craft",),
)


def test_what_the_brief_does_not_want_is_in_no_prompt() -> None:
    prompts = suggest(FORBIDDEN, 40)
    assert len(set(prompts)) == 40
    for prompt in prompts:
        words = prompt.replace("“Sand & Dark Sky”", "")
        assert not re.search(r"wood|dark|plant|reflection|\bno\b|without", words)
        assert parse(prompt).colours == [(34, 139, 34), (243, 233, 216)]
    assert parse(prompts[0]).scene == "fabric"  # neither the brand's name nor "forest green" is a scene


def test_industry_and_styles_choose_scenes_and_light() -> None:
    surf = suggest(Brief("", "Tidal", industry="surf", styles=("bold",)), 3)
    assert [parse(prompt).scene for prompt in surf] == ["sand", "sky", "water"]
    assert {parse(prompt).light for prompt in surf} == {"hard"}
    assert parse(suggest(Brief("", industry="coffee", styles=("craft",)), 1)[0]).warmth == 1.0


def test_colours_are_taken_from_their_list_or_else_from_the_text() -> None:
    brief = Brief("in #0a5c36 and cream", colours=("navy", "blue"))
    assert parse(suggest(brief, 1)[0]).colours == [(0, 0, 128), (74, 120, 181)]
    assert parse(suggest(replace(brief, colours=()), 1)[0]).colours == [(10, 92, 54), (243, 233, 216)]


async def test_for_a_logo_they_are_directions_for_logos() -> None:
    brief = replace(FORBIDDEN, text=f"{FORBIDDEN.text} No leaf.", tagline="by hand", purpose="logo")
    local = LocalProvider(1)
    directions = (await local.prompts(brief, 8)).value
    await local.aclose()
    assert len(set(directions)) == 8
    for direction in directions:
        assert direction.startswith("Logo for “Sand & Dark Sky”: ")
        assert "with the tagline “by hand”, in forest green and cream, for home, craft" in direction
        assert not re.search("leaf|wood|plants", direction)


def test_there_are_as_many_as_asked_for() -> None:
    assert suggest(Brief(""), 0) == ()
    assert len(set(suggest(Brief(""), 40))) == 40


async def test_it_is_said_that_nobody_wrote_them() -> None:
    answer = await LocalProvider().prompts(BRIEF, 2)
    assert len(answer.value) == 2
    assert "not written" in answer.call.warnings[0]

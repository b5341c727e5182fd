"""Prompts that the local provider suggests are prompts that it understands."""

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
    assert {word for plan in plans for word in plan.ignored} == {"morning", "ember"}


def test_there_are_as_many_as_asked_for() -> None:
    assert suggest(Brief(""), 0) == ()
    assert len(set(suggest(Brief(""), 40))) == 40


async def test_it_is_said_that_nobody_wrote_them() -> None:
    answer = await LocalProvider().prompts(BRIEF, 2)
    assert len(answer.value) == 2
    assert "not written" in answer.call.warnings[0]

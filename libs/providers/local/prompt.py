"""From the words of a prompt to a plan of the picture; words that change nothing are reported."""

import re
from dataclasses import dataclass, field
from itertools import pairwise

import webcolors

from libs.providers.base import View
from libs.providers.local import vocabulary as words_of

Rgb = tuple[int, int, int]

_WORD = re.compile(r"#[0-9a-f]{6}|[a-z][a-z-]+")
_NEGATED = re.compile(r"\b(?:no|without)\s+(\w+)")


@dataclass(slots=True)
class Plan:
    """What the prompt asks for, in the terms of the scenes."""

    scene: str = "studio"
    colours: list[Rgb] = field(default_factory=list)
    light: str = "soft"
    warmth: float = 0.0
    """-1 cool to 1 warm."""
    shadow: bool = True
    reflection: float = 0.0
    floating: bool = False
    place: float = 0.0
    """-1 left to 1 right."""
    scale: float = 1.0
    view: View = "front"
    used: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def parse(prompt: str, view: View = "auto") -> Plan:
    """`view` overrides the words unless it is `auto`; without either the camera looks from the front."""
    text = prompt.lower()
    for phrase, word in words_of.PHRASES.items():
        text = text.replace(phrase, word)
    words = _WORD.findall(text)
    negated = set(_NEGATED.findall(text))
    plan = Plan(scene=_scene(words, negated))
    _apply(plan, words, negated)
    if view != "auto":
        plan.view = view
    return plan


def _scene(words: list[str], negated: set[str]) -> str:
    """The first scene named wins, but one that is only hinted at ("table", "night") yields to any other."""
    named = [word for word in words if word in words_of.SCENES and word not in negated]
    strong = [word for word in named if word not in words_of.HINTS]
    chosen = (strong or named or ["studio"])[0]
    return words_of.SCENES[chosen]


def _apply(plan: Plan, words: list[str], negated: set[str]) -> None:
    skip = False
    for word, following in pairwise([*words, ""]):
        if skip:
            skip = False
            continue
        colour, skip = _colour(word, following)
        if colour is not None:
            plan.colours.append(colour)
            plan.used.append(f"{word} {following}" if skip else word)
        elif _has_effect(plan, word, word in negated):
            plan.used.append(f"no {word}" if word in negated else word)
        elif word not in words_of.EMPTY and word not in negated and len(word) > 2:
            plan.ignored.append(word)


def _has_effect(plan: Plan, word: str, negated: bool) -> bool:
    effects = words_of.NEGATED_EFFECTS if negated else words_of.EFFECTS
    if word in effects:
        attribute, value = effects[word]
        setattr(plan, attribute, value)
        return True
    return words_of.SCENES.get(word) == plan.scene and not negated


def _colour(word: str, following: str) -> tuple[Rgb | None, bool]:
    """The colour a word names, and whether the following word is part of its name ("light blue")."""
    if word in words_of.WOODS and following == "wood":
        return None, False
    if word in words_of.COLOURS:
        return _rgb(words_of.COLOURS[word]), False
    if word.startswith("#"):
        return _rgb(word), False
    if following:
        named = _css_colour(word + following)
        if named:
            return named, True
    return _css_colour(word), False


def _css_colour(name: str) -> Rgb | None:
    try:
        red, green, blue = webcolors.name_to_rgb(name)
    except ValueError:
        return None
    return red, green, blue


def _rgb(code: str) -> Rgb:
    red, green, blue = webcolors.hex_to_rgb(code)
    return red, green, blue

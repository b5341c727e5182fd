"""Prompts out of a brief: its own words as far as the local provider knows them, each time in another scene."""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TypeVar

from libs.providers.base import Brief
from libs.providers.local.colours import colours_in
from libs.providers.local.phrases import negated_words, wanted
from libs.providers.local.prompt import parse
from libs.providers.local.vocabulary import EFFECTS, HINTS, SCENES

T = TypeVar("T")

PHRASES = {
    "studio": "in a plain studio",
    "marble": "on a marble countertop",
    "wood": "on a rustic wooden table",
    "concrete": "on concrete",
    "sand": "on beach sand",
    "fabric": "on linen fabric",
    "forest": "in a forest garden",
    "city": "in front of city lights at night",
    "sunset": "before a sunset sky",
    "sky": "under a blue sky with clouds",
    "kitchen": "in a kitchen with tiles",
    "gradient": "before a gradient",
    "podium": "on a podium",
    "terrazzo": "on terrazzo",
    "water": "on a wet surface of water",
    "mirror": "on a mirror",
}
LIGHTS = ("soft light", "bright light", "dark and moody light", "hard sunny light")
VIEWS = ("", "close-up", "on the left", "on the right", "from above")

SUITED: Mapping[str, tuple[str, ...]] = {
    "coffee cafe café tea restaurant food bakery": ("wood", "kitchen", "marble"),
    "tech software ai data saas cloud digital": ("gradient", "studio", "mirror"),
    "surf sea ocean marine swim beach": ("sand", "sky", "water"),
    "outdoor travel adventure camp hiking garden eco organic plant farm nature": ("forest", "sky", "sand"),
    "sport fitness industrial bold strong": ("concrete", "city", "studio"),
    "skincare cosmetic beauty wellness spa perfume": ("water", "marble", "podium"),
    "fashion jewel luxury boutique hotel wedding elegant premium": ("fabric", "marble", "mirror"),
    "home interior furniture ceramic craft rustic vintage natural": ("wood", "fabric", "terrazzo"),
    "kids toy playful fun friendly": ("podium", "gradient", "sky"),
    "energy electric solar motor car": ("concrete", "sunset", "city"),
    "minimal modern clean simple": ("studio", "concrete", "podium"),
}
"""Beginnings of words of an industry or a style, and scenes that suit it."""
MOODS: Mapping[str, str] = {
    "playful fun friendly modern simple": "bright",
    "craft rustic vintage heritage natural organic": "warm",
    "premium sophisticated": "luxury",
    "bold strong industrial": "hard",
    "gentle delicate": "soft",
}
"""The same, and what the painter calls it."""


def suggest(brief: Brief, count: int) -> tuple[str, ...]:
    """Scenes that the brief names come first, then such as suit it; its colours and moods are in every prompt."""
    unwanted = {re.escape(word.removesuffix("s")) for word in negated_words(brief.text) if len(word) > 2}
    said_no = re.compile(rf"\b(?:{'|'.join(sorted(unwanted))})") if unwanted else None
    prompts = (prompt for prompt in _prompts(brief) if not (said_no and said_no.search(prompt)))
    subject = f"“{brief.brand_name}”" if brief.brand_name else "the product"
    return tuple(f"{subject} {prompt}" for prompt in islice(prompts, count))


def _prompts(brief: Brief) -> Iterator[str]:
    told = ", ".join([wanted(brief.text), *brief.styles])
    scenes, moods = _scenes(brief, told), _moods(told)
    palette = " and ".join(_palette(brief))
    lit = any(EFFECTS[word][0] == "light" for word in moods)
    for view in VIEWS:
        for turn in range(1 if lit else len(LIGHTS)):
            for place, scene in enumerate(scenes):
                light = "" if lit else LIGHTS[(turn + place) % len(LIGHTS)]
                yield ", ".join(filter(None, (PHRASES[scene], light, *moods, palette, view)))


def _scenes(brief: Brief, told: str) -> list[str]:
    plain = told.lower()
    for name in colours_in(plain):
        plain = plain.replace(name, " ")  # "forest green" is no forest
    words = re.findall(r"\w+", plain)
    unwanted = {SCENES.get(word) for word in negated_words(brief.text)}
    named = [SCENES[word] for word in words if word in SCENES and word not in HINTS]
    suited = [
        scene for text in (brief.industry or "", told) for row in _matched(SUITED, text) for scene in row
    ]
    return [scene for scene in dict.fromkeys([*named, *suited, *PHRASES]) if scene not in unwanted]


def _moods(told: str) -> list[str]:
    used = [word for word in parse(told).used if word in EFFECTS]
    known = {EFFECTS[word][0] for word in used}
    meant = [mood for mood in _matched(MOODS, told) if EFFECTS[mood][0] not in known]
    return list(dict.fromkeys([*used, *meant[:1]]))


def _palette(brief: Brief) -> list[str]:
    return list(colours_in(", ".join(brief.colours)) or colours_in(wanted(brief.text)))[:3]


def _matched(table: Mapping[str, T], text: str) -> Iterator[T]:
    """The values of all rows with a word that begins a word of the text."""
    for beginnings, value in table.items():
        if re.search(rf"\b(?:{'|'.join(beginnings.split())})", text.lower()):
            yield value

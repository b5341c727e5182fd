"""Colours of a logo by instruction: each goes to the part it is said of, or else to the whole."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from libs.providers.local.colours import colour_at
from libs.providers.local.logo.design import Design
from libs.providers.local.logo.instruction import (
    BACKGROUND_WORDS,
    MARK_WORDS,
    NAME_WORDS,
    TAGLINE_WORDS,
    TEXT_WORDS,
    WORD,
    Instruction,
)
from libs.providers.local.logo.palette import DARK, from_colours, lightened, towards, warmed

Part = Literal["mark", "name", "text", "tagline", "background", "all"]
Changes = dict[str, Any]
"""New values of the design's fields."""

PARTS: tuple[tuple[str, Part], ...] = (
    (BACKGROUND_WORDS, "background"),
    (TAGLINE_WORDS, "tagline"),
    (MARK_WORDS, "mark"),
    (TEXT_WORDS, "text"),
    (NAME_WORDS, "name"),
)
ANY_PART = "|".join(words for words, _ in PARTS)
INKS: Mapping[Part, tuple[str, ...]] = {
    "name": ("ink",),
    "tagline": ("tagline_ink",),
    "text": ("ink", "tagline_ink"),
}
BACKGROUNDS = {
    "dark": DARK,
    "light": "#ffffff",
    "white": "#ffffff",
    "transparent": "transparent",
    "clear": "transparent",
}
TONES: tuple[tuple[str, str, Callable[[str], str]], ...] = (
    ("warmer", "warmer", lambda colour: warmed(colour, 0.055)),
    ("cooler|colder", "cooler", lambda colour: warmed(colour, -0.08)),
    ("darker|deeper", "darker", lambda colour: lightened(colour, 0.78)),
    ("brighter|vivid|vibrant", "brighter", lambda colour: lightened(colour, 1.15, 1.15)),
    ("paler|muted|softer|lighter", "paler", lambda colour: towards(colour, "#ffffff", 0.25)),
    ("bluer", "bluer", lambda colour: towards(colour, "#2f5fd0", 0.35)),
    ("greener", "greener", lambda colour: towards(colour, "#2f9a4f", 0.35)),
    ("redder", "redder", lambda colour: towards(colour, "#cc3a2f", 0.35)),
)
_JOINT = re.compile(r"\b(and|with|in|to|into|on|of|for|as)\b")


@dataclass(slots=True)
class _Said:
    """What stands between commas, prepositions and "and"; with a `joint` it goes on with what stands before."""

    words: list[str]
    joint: str
    part: Part | None
    colours: list[str]
    names: list[str]
    """Of the colours."""


def recolour(design: Design, asked: Instruction, changes: Changes, rng: np.random.Generator) -> list[str]:
    done: list[str] = []
    if asked.take(rf"(?:in )?(?:monochrome|black and white(?! (?:{ANY_PART}))|(?:single|one) colou?r)"):
        changes |= {"palette": (design.palette[3],) * 4, "ink": None, "tagline_ink": None}
        done.append("one colour")
    colours: dict[Part, list[str]] = {}
    for part, found in _by_part(asked):
        colours.setdefault(part, []).extend(found)
    if asked.take("dark mode|invert(?:ed)?|negative"):
        colours["background"] = [DARK]
    order: tuple[Part, ...] = ("background", "all", "mark", "text", "name", "tagline")
    painted = [_paint(design, part, colours[part], changes, rng) for part in order if part in colours]
    return done + painted


def flatten(design: Design, changes: Changes) -> str:
    palette = changes.get("palette", design.palette)
    changes["palette"] = (palette[0],) * 3 + (palette[3],)
    return "mark in one flat colour"


def tone(design: Design, asked: Instruction, changes: Changes, rng: np.random.Generator) -> list[str]:
    done = []
    for said in _said(asked.text):
        for pattern, name, change in TONES:
            if any(re.fullmatch(pattern, word) for word in said.words):
                _tone(design, said.part or "all", change, changes)
                asked.take(rf"(?:more )?(?:{pattern})(?: colou?rs?)?")
                done.append(name if said.part in (None, "all") else f"{said.part} {name}")
    if asked.take("lighter colou?rs?"):
        _tone(design, "all", TONES[3][2], changes)
        done.append("brighter")
    return done


def _paint(design: Design, part: Part, colours: list[str], changes: Changes, rng: np.random.Generator) -> str:
    first = colours[0]
    if part == "background":
        changes["background"] = first
        return f"background {first}"
    if part in ("name", "tagline", "text"):
        changes.update(dict.fromkeys(INKS[part], first))
        return f"{part} {first}"
    made = from_colours(colours, rng)
    if part == "all":
        changes |= {"palette": made, "ink": None, "tagline_ink": None}
        return "palette " + " ".join(made[:3])
    changes["palette"] = (*made[:3], changes.get("palette", design.palette)[3])
    if design.tagline_ink is None and "tagline_ink" not in changes:
        changes["tagline_ink"] = design.palette[0]  # it had the mark's colour, and nobody spoke of it
    return "mark " + " ".join(made[:3])


def _tone(design: Design, part: Part, change: Callable[[str], str], changes: Changes) -> None:
    now = {**design.model_dump(), **changes}
    palette = tuple(now["palette"])
    if part in ("all", "mark"):
        ink = change(palette[3]) if part == "all" else palette[3]
        changes["palette"] = (*map(change, palette[:3]), ink)
    for ink in INKS.get(part, ()):
        changes[ink] = change(now[ink] or palette[3 if ink == "ink" else 0])
    if part == "background" and now["background"] != "transparent":
        changes["background"] = change(now["background"])


def _by_part(asked: Instruction) -> Iterator[tuple[Part, list[str]]]:
    """Takes the colours out of the instruction."""
    said = _said(asked.text)
    pending: Part | None = None
    for at, one in enumerate(said):
        following = said[at + 1] if at + 1 < len(said) else None
        if one.colours:
            ahead = following.part if following and following.joint == "and" and following.colours else None
            part = one.part or (pending if one.joint else None) or ahead or "all"
            yield part, one.colours
            pending = part
        else:
            pending = one.part or (pending if one.joint else None)
        for name in one.names:
            asked.text = re.sub(rf"(?<![\w#]){re.escape(name)}(?!\w)", " ", asked.text)


def _said(text: str) -> list[_Said]:
    said = []
    for clause in text.split(","):
        joint = ""
        for piece in _JOINT.split(clause):
            words = WORD.findall(piece)
            if words and not _JOINT.fullmatch(piece):
                said.append(_Said(words, joint, *_meant(words)))
            joint = piece
    return said


def _meant(words: list[str]) -> tuple[Part | None, list[str], list[str]]:
    part = next((part for pattern, part in PARTS if any(re.fullmatch(pattern, word) for word in words)), None)
    colours, names, at = [], [], 0
    while at < len(words):
        colour, count = colour_at(words, at)
        if part == "background" and count == 1:
            colour = BACKGROUNDS.get(words[at], colour)
        if colour:
            colours.append(colour)
            names.append(" ".join(words[at : at + count]))
        at += count
    return part, colours, names

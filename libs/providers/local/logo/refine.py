"""Changes of a design by instruction: each known word changes one thing, and everything else stays."""

import re
from collections.abc import Callable
from typing import Any, get_args

import numpy as np

from libs.providers.local.logo.design import LONGEST_HISTORY, LONGEST_TAGLINE, Design, Layout, MarkName
from libs.providers.local.logo.draft import STYLES, case_of, named_marks
from libs.providers.local.logo.palette import DARK, from_colours, lightened, named_colours, warmed

Changes = dict[str, Any]
"""New values of the design's fields."""

BACKGROUND_WORDS = {"dark": DARK, "light": "#ffffff", "white": "#ffffff", "transparent": "transparent"}
_BACKGROUND = re.compile(
    r"(?:([a-z]+|#[0-9a-f]{6}) )?background(?: colou?r)?(?: (?:to |in )?([a-z]+|#[0-9a-f]{6}))?"
)
_TAGLINE = re.compile(r"tagline\s*[:=]?\s*[\"'“](.+?)[\"'”]", re.IGNORECASE)

TONES: tuple[tuple[str, str, Callable[[str], str]], ...] = (
    ("warmer", "warmer", lambda colour: warmed(colour, 0.055)),
    ("cooler|colder", "cooler", lambda colour: warmed(colour, -0.08)),
    ("darker|deeper", "darker", lambda colour: lightened(colour, 0.78)),
    (
        r"lighter colou?rs?|brighter|more vivid|vibrant",
        "brighter",
        lambda colour: lightened(colour, 1.15, 1.15),
    ),
)
LAYOUTS: tuple[tuple[str, Layout], ...] = (
    ("wordmark only|text only|(?:no|without|remove) (?:the )?(?:icon|mark|symbol)", "wordmark"),
    ("(?:icon|mark|symbol) only|(?:no|without) text|app icon|avatar", "mark"),
    ("stacked", "stacked"),
    ("horizontal", "horizontal"),
    ("badge", "badge"),
)


def refine(design: Design, instruction: str, seed: int) -> tuple[Design, list[str]]:
    """The child, and what was changed in words; an instruction without any known word varies the mark."""
    text = instruction.lower()
    rng = np.random.default_rng([seed, len(design.history), 9])
    changes: Changes = {}
    done: list[str] = []
    for step in (_colours, _tones, _layout, _lettering, _sizes, _tagline, _mark):
        done += step(design, instruction if step is _tagline else text, changes, rng)
    if not done:
        changes |= {"seed": (seed, int(rng.integers(1 << 16))), "frame": None, "rounding": None}
        done.append("no known word in the instruction: a new variation of the same mark")
    changes["history"] = (*design.history, instruction[:4000])[-LONGEST_HISTORY:]
    return Design.model_validate({**design.model_dump(), **changes}), done


def _colours(design: Design, text: str, changes: Changes, rng: np.random.Generator) -> list[str]:
    done = []
    asked = _BACKGROUND.search(text)
    named = (_background(word) for word in asked.groups() if word) if asked else iter(())
    background = next((colour for colour in named if colour), None)
    if re.search(r"\b(dark mode|invert(ed)?|negative)\b", text):
        background = DARK
    if background:
        changes["background"] = background
        done.append(f"background {background}")
    colours = named_colours(_BACKGROUND.sub(" ", text))
    if re.search(r"monochrome|black and white|(?:single|one) colou?r", text):
        changes["palette"] = (design.palette[3],) * 4
        done.append("one colour")
    elif colours:
        changes["palette"] = from_colours(colours, rng)
        done.append("palette " + " ".join(changes["palette"][:3]))
    return done


def _background(word: str) -> str | None:
    return BACKGROUND_WORDS.get(word) or next(iter(named_colours(word)), None)


def _tones(design: Design, text: str, changes: Changes, rng: np.random.Generator) -> list[str]:
    done = []
    for pattern, name, tone in TONES:
        if re.search(pattern, text):
            changes["palette"] = tuple(tone(colour) for colour in changes.get("palette", design.palette))
            done.append(name)
    return done


def _layout(design: Design, text: str, changes: Changes, rng: np.random.Generator) -> list[str]:
    for pattern, layout in LAYOUTS:
        if re.search(pattern, text):
            changes["layout"] = layout
            return [f"layout {layout}"]
    return []


def _lettering(design: Design, text: str, changes: Changes, rng: np.random.Generator) -> list[str]:
    done = []
    for beginnings, (face, tracking) in STYLES.items():
        # "light" and "bold" are also said of colours and backgrounds.
        if face != design.face and re.search(
            rf"\b(?:{'|'.join(beginnings.split())})\b(?! background| colou?r)", text
        ):
            changes |= {"face": face, "tracking": tracking, "case": case_of(face)}
            done.append(f"lettering {face}")
            break
    if re.search(r"round(?:er|ed)", text):
        changes |= {"face": "rounded", "rounding": 0.16, "frame": "circle", "case": "as_is"}
        done.append("rounder")
    for pattern, case in (("upper ?case|capital", "upper"), ("lower ?case", "lower")):
        if re.search(pattern, text):
            changes["case"] = case
            done.append(f"{case} case")
    spacing = 0.06 * bool(re.search(r"(?:more|wider) (?:letter)?[- ]?spac|spaced", text)) - 0.02 * (
        "tight" in text
    )
    if spacing:
        changes["tracking"] = float(np.clip(changes.get("tracking", design.tracking) + spacing, -0.1, 0.5))
        done.append("wider spacing" if spacing > 0 else "tighter spacing")
    return done


def _sizes(design: Design, text: str, changes: Changes, rng: np.random.Generator) -> list[str]:
    for pattern, factor in (("bigger|larger", 1.25), ("smaller", 0.8)):
        if re.search(rf"(?:{pattern}) (?:icon|mark|symbol)", text):
            changes["mark_scale"] = float(np.clip(design.mark_scale * factor, 0.4, 2.0))
            return ["larger mark" if factor > 1 else "smaller mark"]
    return []


def _tagline(design: Design, instruction: str, changes: Changes, rng: np.random.Generator) -> list[str]:
    given = _TAGLINE.search(instruction)
    if given:
        changes["tagline"] = given[1][:LONGEST_TAGLINE]
        return ["tagline"]
    if re.search("(?:no|remove|without|drop) (?:the )?tagline", instruction.lower()):
        changes["tagline"] = ""
        return ["no tagline"]
    return []


def _mark(design: Design, text: str, changes: Changes, rng: np.random.Generator) -> list[str]:
    marks = [mark for mark in named_marks(_TAGLINE.sub(" ", text)) if mark != design.mark]
    if not marks and re.search("(?:different|another|new) (?:icon|mark|symbol|shape)", text):
        others = [mark for mark in get_args(MarkName) if mark != design.mark]
        marks = [others[int(rng.integers(len(others)))]]
    if not marks:
        return []
    changes["mark"] = marks[0]
    return [f"mark {marks[0]}"]

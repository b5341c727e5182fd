"""Changes of a design by instruction: what is said changes, and everything else stays."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import get_args

import numpy as np

from libs.providers.errors import ErrorCode, ProviderError
from libs.providers.local.logo.design import (
    LONGEST_HISTORY,
    LONGEST_NAME,
    LONGEST_TAGLINE,
    Case,
    Design,
    FaceName,
    Layout,
    MarkName,
)
from libs.providers.local.logo.draft import STYLES, initials, named_marks
from libs.providers.local.logo.instruction import (
    BACKGROUND_WORDS,
    MARK_WORDS,
    NAME_WORDS,
    TAGLINE_WORDS,
    Instruction,
    read,
)
from libs.providers.local.logo.lettering import heavier
from libs.providers.local.logo.recolour import Changes, flatten, recolour, tone

SIZES = (
    ("bigger|larger|enlarge|too (?:small|tiny)", 1.25, "larger"),
    ("smaller|shrink|too (?:big|large)", 0.8, "smaller"),
)
SIZED: Mapping[str, str] = {"mark_scale": MARK_WORDS, "text_scale": NAME_WORDS}
SCALES: Mapping[str, tuple[float, float]] = {"mark_scale": (0.4, 2.0), "text_scale": (0.5, 1.6)}
_SIZE_BEHIND = re.compile(
    rf"\b({MARK_WORDS}|{NAME_WORDS}|logo) (?:(?:is|are|should be|must be|much|far) )*"
    r"(too (?:big|large|small|tiny)|bigger|larger|smaller)\b"
)
LAYOUTS: tuple[tuple[str, Layout], ...] = (
    ("(?:text|name|wordmark)_only", "wordmark"),
    ("(?:icon|mark|symbol)_only|app icon|avatar|favicon", "mark"),
    (
        "stacked|vertical|(?:icon|mark|symbol)(?: on top| above| over)(?: (?:of )?the (?:name|text))?",
        "stacked",
    ),
    (
        "horizontal|side by side|(?:icon|mark|symbol) (?:beside|next to|left of)(?: the (?:name|text))?",
        "horizontal",
    ),
    ("badge|seal|emblem layout", "badge"),
)
CASES: tuple[tuple[str, Case], ...] = (
    ("upper[ -]?case|(?:all )?(?:capitals?|caps)(?: letters)?", "upper"),
    ("lower[ -]?case|small letters", "lower"),
    ("title[ -]?case|mixed case", "as_is"),
)
_LETTERS = f" (?:{NAME_WORDS})"
WEIGHTS = (
    ("thinner|thin|finer|slimmer", f"(?:{_LETTERS})?", -1),
    ("bolder|bold|thicker|heavier|fatter|stronger", f"(?:{_LETTERS})?", 1),
    ("light(?:er)?", _LETTERS, -1),
)
"""Words, what they stand before, and the direction of the weight."""
STEPS_SEEN: Mapping[FaceName, int] = {"serif": 1, "slab": 1, "humanist": 1, "heavy": 1}
"""Weights of a face to the next that looks different; two of the others."""
CAN = (
    "colours (of the whole, the icon, the name, the tagline, the background), icon, layout, lettering, weight, case, "
    "spacing, sizes, name and tagline can be changed"
)


@dataclass(frozen=True, slots=True)
class Refined:
    design: Design
    done: list[str]
    """What was changed, in words."""
    ignored: list[str]
    """Words of the instruction that changed nothing."""
    notes: list[str]
    """What was understood and cannot be."""


Step = Callable[[Design, Instruction, Changes, np.random.Generator], list[str]]


def refine(design: Design, instruction: str, seed: int) -> Refined:
    """Raises `ProviderError` (invalid request) if nothing of it is understood, or if all of it is so already."""
    rng = np.random.default_rng([seed, len(design.history), 9])
    asked, changes, done = read(instruction), Changes(), list[str]()
    for step in STEPS:
        done += step(design, asked, changes, rng)
    if asked.take(
        "(?:an?other|new|different|more) (?:variations?|versions?|ones?)|vary|surprise me|try again"
    ):
        changes |= {"seed": (seed, int(rng.integers(1 << 16))), "frame": None, "rounding": None}
        done.append("a new variation of the same mark")
    child = Design.model_validate({**design.model_dump(), **changes})
    if not done:
        said = "; ".join(asked.notes) or f"nothing of this is understood: “{instruction[:120]}”"
        raise ProviderError(ErrorCode.INVALID, f"{said}; {CAN}", "local")
    if child == design:
        raise ProviderError(ErrorCode.INVALID, f"the logo is so already: {', '.join(done)}", "local")
    history = (*design.history, instruction[:4000])[-LONGEST_HISTORY:]
    return Refined(child.model_copy(update={"history": history}), done, asked.left, asked.notes)


def _texts(design: Design, asked: Instruction, changes: Changes, rng: np.random.Generator) -> list[str]:
    done = []
    if asked.name:
        name = asked.name[:LONGEST_NAME]
        changes |= {"name": name, "letters": initials(name)}
        done.append(f"name {name}")
    if asked.tagline:
        changes["tagline"] = asked.tagline[:LONGEST_TAGLINE]
        done.append("tagline")
    elif asked.refuse(TAGLINE_WORDS):
        changes["tagline"] = ""
        done.append("no tagline")
    return done


def _unwanted(design: Design, asked: Instruction, changes: Changes, rng: np.random.Generator) -> list[str]:
    done = []
    named = [
        mark for mark in named_marks(" ".join(asked.unwanted)) if asked.refuse(f"{mark.removesuffix('s')}s?")
    ]
    if design.mark in named:
        changes["mark"] = _other(design, rng, named)
        done.append(f"mark {changes['mark']}")
    if asked.refuse("icon|mark|symbol|emblem"):
        changes["layout"] = "wordmark"
        done.append("layout wordmark")
    elif asked.refuse("name|text|letters|lettering|words?"):
        changes["layout"] = "mark"
        done.append("layout mark")
    if asked.refuse(BACKGROUND_WORDS):
        changes["background"] = "transparent"
        done.append("background transparent")
    if asked.refuse("gradients?|shading|shades?|transparency") or asked.take("flat(?: colou?rs?)?"):
        done.append(flatten(design, changes))
    if asked.refuse("frame|circle|border|ring|outline|badge"):
        changes |= {"frame": "none", "layout": "stacked" if design.layout == "badge" else design.layout}
        done.append("no frame")
    if asked.refuse("uppercase|capitals?|caps"):
        changes["case"] = "as_is"
        done.append("as_is case")
    return done


def _layout(design: Design, asked: Instruction, changes: Changes, rng: np.random.Generator) -> list[str]:
    for pattern, layout in LAYOUTS:
        if asked.take(pattern):
            changes["layout"] = layout
            return [f"layout {layout}"]
    return []


def _lettering(design: Design, asked: Instruction, changes: Changes, rng: np.random.Generator) -> list[str]:
    done = []
    for beginnings, (face, tracking) in STYLES.items():
        if face != design.face and asked.take("|".join(beginnings.split())):
            changes |= {"face": face, "tracking": tracking, "weight": 0}
            done.append(f"lettering {face}")
            break
    for pattern, case in CASES:
        if asked.take(pattern):
            changes["case"] = case
            done.append(f"{case} case")
    return done + _spacing(design, asked, changes)


def _weight(design: Design, asked: Instruction, changes: Changes, rng: np.random.Generator) -> list[str]:
    for pattern, letters, steps in WEIGHTS:
        if not asked.take(f"(?:{pattern}){letters}") and not asked.take(f"(?:{NAME_WORDS}) (?:{pattern})"):
            continue
        name = "bolder" if steps > 0 else "thinner"
        weight = heavier(design.face, design.weight, steps * STEPS_SEEN.get(design.face, 2))
        if weight == design.weight:
            asked.notes.append(f"the {design.face} letters cannot be {name}")
            return []
        changes["weight"] = weight
        return [f"{name} letters"]
    return []


def _spacing(design: Design, asked: Instruction, changes: Changes) -> list[str]:
    spacing = r"(?:letter[- ]?)?(?:spac\w+|tracking)|letters"
    wider = asked.take(f"(?:more|wider|larger|looser) (?:{spacing})|spaced(?: out)?")
    tighter = asked.take(f"(?:less|tighter|smaller|narrower) (?:{spacing})|tight(?:er)?") or asked.refuse(
        "spac\\w+"
    )
    if wider == tighter:
        return []
    by = 0.06 if wider else -0.03
    changes["tracking"] = float(np.clip(changes.get("tracking", design.tracking) + by, -0.1, 0.5))
    return ["wider spacing" if wider else "tighter spacing"]


def _roundness(design: Design, asked: Instruction, changes: Changes, rng: np.random.Generator) -> list[str]:
    if asked.take(f"(?:more )?round(?:er|ed)? (?:{NAME_WORDS})|(?:{NAME_WORDS}) round(?:er|ed)"):
        changes |= {"face": "rounded", "weight": 0}
        return ["rounder letters"]
    if asked.take(f"(?:more )?round(?:er|ed)? (?:corners?|edges?|{MARK_WORDS})"):
        changes |= {"rounding": 0.16, "frame": "circle"}
        return ["rounder mark"]
    if asked.take("(?:more )?round(?:er|ed)"):
        changes |= {"face": "rounded", "weight": 0, "rounding": 0.16, "frame": "circle"}
        return ["rounder"]
    if asked.take("sharper|(?:more )?(?:angular|edgy|pointed)|sharp (?:corners|edges)"):
        changes["rounding"] = 0.0
        return ["sharper"]
    return []


def _sizes(design: Design, asked: Instruction, changes: Changes, rng: np.random.Generator) -> list[str]:
    asked.text = _SIZE_BEHIND.sub(r"\2 \1", asked.text)
    done = []
    for pattern, factor, name in SIZES:
        parts = [part for part, words in SIZED.items() if asked.take(f"(?:{pattern}) (?:{words})")]
        if not parts and asked.take(f"(?:{pattern})(?: logo)?"):
            parts, factor = [*SIZED], factor**0.6  # there is not much room for all of it
        for part in parts:
            least, most = SCALES[part]
            changes[part] = float(np.clip(getattr(design, part) * factor, least, most))
            done.append(f"{name} {'mark' if part == 'mark_scale' else 'name'}")
    return done


def _mark(design: Design, asked: Instruction, changes: Changes, rng: np.random.Generator) -> list[str]:
    named = named_marks(asked.text)
    marks = [mark for mark in named if mark != design.mark] or [mark for mark in named if not changes]
    if not marks and asked.take("(?:different|another|new|other) (?:icon|mark|symbol|shape)"):
        marks = [_other(design, rng, [])]
    if not marks:
        return []
    changes["mark"] = marks[0]
    return [f"mark {marks[0]}"]


def _other(design: Design, rng: np.random.Generator, unwanted: list[MarkName]) -> MarkName:
    others: list[MarkName] = [m for m in get_args(MarkName) if m != design.mark and m not in unwanted]
    return others[int(rng.integers(len(others)))]


STEPS: tuple[Step, ...] = (
    _texts,
    _unwanted,
    _sizes,
    _weight,
    recolour,
    tone,
    _layout,
    _roundness,
    _lettering,
    _mark,
)
"""Sizes come first: "a bigger leaf" is no other mark, "larger letters" no wider spacing."""

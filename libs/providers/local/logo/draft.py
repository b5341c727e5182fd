"""From a brief to the first design: words choose the mark, the lettering and the colours."""

import re
from collections.abc import Mapping
from typing import TypeVar, get_args

import numpy as np

from libs.providers.base import Brief
from libs.providers.local.colours import colours_in
from libs.providers.local.logo.design import (
    LONGEST_NAME,
    LONGEST_TAGLINE,
    Case,
    Design,
    FaceName,
    Layout,
    MarkName,
)
from libs.providers.local.logo.palette import Palette, from_colours
from libs.providers.local.phrases import negated_words, wanted

T = TypeVar("T")

TRADES: Mapping[str, tuple[MarkName, ...]] = {
    "coffee cafe café tea restaurant food bakery kitchen": ("cup", "leaf", "monogram", "petals"),
    "tech software ai data saas cloud digital": ("orbit", "circles", "bars", "spark", "chevrons"),
    "finance bank invest account consult insurance law": ("bars", "shield", "chevrons", "monogram"),
    "outdoor travel adventure camp sport fitness hiking": ("mountain", "chevrons", "pin", "bolt"),
    "eco green garden organic nature plant farm skincare cosmetic beauty wellness spa": (
        "leaf",
        "petals",
        "circles",
        "waves",
    ),
    "energy electric solar power motor": ("bolt", "spark", "chevrons"),
    "home real estate interior furniture architect construct": ("house", "monogram", "bars"),
    "water sea ocean surf marine swim": ("waves", "circles", "petals"),
    "fashion jewel luxury boutique hotel wedding": ("monogram", "petals", "spark"),
    "map delivery logistic transport taxi": ("pin", "chevrons", "orbit"),
    "security guard safe": ("shield", "monogram"),
}
"""Beginnings of words, and the marks that suit them; the pictures of one request take them in turn."""
ANY_TRADE: tuple[MarkName, ...] = ("monogram", "petals", "circles", "spark", "chevrons")

STYLES: Mapping[str, tuple[FaceName, float]] = {
    "minimal clean simple modern": ("modern", 0.01),
    "geometric bold strong": ("geometric", 0.0),
    "playful fun kids friendly": ("rounded", 0.0),
    "soft gentle organic natural": ("soft", 0.01),
    "elegant luxury classic premium sophisticated": ("serif", 0.10),
    "vintage retro craft rustic heritage": ("slab", 0.02),
    "industrial heavy sport": ("heavy", -0.01),
    "light airy delicate": ("light", 0.08),
    "corporate professional trust": ("humanist", 0.0),
}
"""Face and tracking."""
SPACED_CAPITALS = frozenset({"serif", "light", "heavy"})

MOODS: Mapping[str, Palette] = {
    "coffee cafe café tea food restaurant bakery": ("#c8553d", "#f28f3b", "#ffd5a8", "#3d2b25"),
    "tech data ai software finance": ("#3a5bd9", "#22b8cf", "#f7b801", "#12172b"),
    "luxury fashion jewel": ("#1f1f24", "#b08d57", "#e7dcc8", "#1f1f24"),
    "eco garden organic nature outdoor": ("#3f7d4e", "#9bbf65", "#e2c391", "#22372a"),
    "water sea ocean": ("#1d6fa3", "#5bc0de", "#ffd166", "#0f2f47"),
    "kids play fun": ("#ef476f", "#ffd166", "#06d6a0", "#26323f"),
    "beauty cosmetic spa": ("#7b2d5b", "#c65b7c", "#f0b7a4", "#34172a"),
}
ANY_MOOD: Palette = ("#2a9d8f", "#8ab17d", "#e9c46a", "#1d3b3a")
LAYOUTS: tuple[Layout, ...] = ("stacked", "horizontal", "badge")


def draft(brief: Brief, seed: int, index: int, *, transparent: bool = False) -> Design:
    """The brief names the brand; what it leaves open is chosen by its words, the seed and the index."""
    name = (brief.brand_name or "").strip()[:LONGEST_NAME]
    told = wanted(brief.text)
    trade = " ".join([brief.industry or "", told]).lower()
    wishes = " ".join([*brief.styles, told]).lower()
    mark, layout, turn = _composed(brief, trade, index)
    face, tracking = first_match(STYLES, wishes) or ("modern", 0.01)
    if turn >= len(LAYOUTS):
        face, tracking = list(STYLES.values())[turn % len(STYLES)]
    colours = list((colours_in(", ".join(brief.colours)) or colours_in(told)).values())
    rng = np.random.default_rng([seed, index, 5])
    return Design(
        name=name,
        tagline=(brief.tagline or "").strip()[:LONGEST_TAGLINE],
        mark=mark,
        letters=initials(name),
        seed=(seed, index),
        face=face,
        tracking=tracking,
        case=case_of(face),
        layout=layout,
        palette=from_colours(colours, rng) if colours else first_match(MOODS, trade) or ANY_MOOD,
        background="transparent" if transparent else "#ffffff",
    )


def _composed(brief: Brief, trade: str, index: int) -> tuple[MarkName, Layout, int]:
    """Mark, layout, and how often all marks have had their turn: every picture of a brief puts them together anew."""
    unwanted = named_marks(" ".join(negated_words(brief.text)))
    marks = named_marks(wanted(brief.text)) or first_match(TRADES, trade) or ANY_TRADE
    marks = tuple(mark for mark in marks if mark not in unwanted) or ("monogram",)
    turn, place = divmod(index, len(marks))
    plain = LAYOUTS[:2]
    layout = plain[(place + turn) % 2] if turn < 2 else LAYOUTS[turn % len(LAYOUTS)]
    return marks[place], layout, turn


def in_words(design: Design, brief: Brief) -> str:
    """What does not depend on the seed."""
    place = {"stacked": "above", "horizontal": "beside", "badge": "in a round badge above"}[design.layout]
    mark = f"monogram {design.letters}" if design.mark == "monogram" else design.mark
    named = colours_in(", ".join(brief.colours)) or colours_in(wanted(brief.text))
    facts = [
        f"Logo for “{design.name}”: {mark} {place} the name in {design.face} letters",
        f"with the tagline “{design.tagline}”" if design.tagline else "",
        "in " + " and ".join(list(named)[:3]) if named else "",
        f"for {brief.industry}" if brief.industry else "",
        ", ".join(brief.styles),
    ]
    return ", ".join(filter(None, facts))


def first_match(table: Mapping[str, T], text: str) -> T | None:
    """The first row with a word that begins a word of the text."""
    for beginnings, value in table.items():
        if re.search(rf"\b(?:{'|'.join(beginnings.split())})", text):
            return value
    return None


def named_marks(text: str) -> tuple[MarkName, ...]:
    """Marks asked for by their own names ("a mountain", "two leaves" does not count)."""
    words = set(re.findall(r"\w+", text.lower()))
    marks: tuple[MarkName, ...] = get_args(MarkName)
    return tuple(mark for mark in marks if {mark, mark.rstrip("s"), mark.rstrip("s") + "s"} & words)


def initials(name: str) -> str:
    """Of the first two words; one with an apostrophe is one."""
    words = re.findall(r"[^\W_]+(?:['’][^\W_]+)*", name) or [name.strip()[:1] or name]
    return "".join(word[0] for word in words[:2]).upper()[:2]


def case_of(face: FaceName) -> Case:
    return "upper" if face in SPACED_CAPITALS else "as_is"

"""From the words of a prompt to a plan of the picture; words that change nothing are reported."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import webcolors

from libs.providers.base import View
from libs.providers.local import vocabulary as words_of
from libs.providers.local.colours import colour_at
from libs.providers.local.phrases import ARTICLES, PLACING, Phrase, phrases

Rgb = tuple[int, int, int]

_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"")
"""A name, whatever its words mean elsewhere."""

KNOWN = frozenset(words_of.SCENES) | frozenset(words_of.EFFECTS) | words_of.EMPTY


@dataclass(slots=True)
class Plan:
    """What the prompt asks for, in the terms of the scenes."""

    scene: str = "studio"
    colours: list[Rgb] = field(default_factory=list)
    """Those that no noun follows, as in "teal to mint"."""
    surface: list[Rgb] = field(default_factory=list)
    """Of what the product stands on."""
    wall: list[Rgb] = field(default_factory=list)
    """Of what is behind it."""
    lights: list[Rgb] = field(default_factory=list)
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
    excluded: list[str] = field(default_factory=list)
    """Words that are said not to be wanted."""


@dataclass(frozen=True, slots=True)
class _Term:
    """A word, or several that name a colour."""

    text: str
    colour: Rgb | None = None


@dataclass(frozen=True, slots=True)
class _Said:
    """A phrase in terms; one about the product tells what is in the photo anyway."""

    lead: str
    terms: tuple[_Term, ...]
    negated: bool
    of_product: bool


def parse(prompt: str, view: View = "auto") -> Plan:
    """`view` overrides the words unless it is `auto`; without either the camera looks from the front."""
    text = _QUOTED.sub(" product ", prompt).lower()
    for phrase, word in words_of.PHRASES.items():
        text = text.replace(phrase, word)
    said = [part for phrase in phrases(text) for part in _parts(phrase)]
    plan = Plan(scene=_scene([phrase for phrase in said if not phrase.negated]))
    before: _Said | None = None
    for one in said:
        if one.negated:
            _exclude(plan, one)
        else:
            _apply(plan, one, before)
        before = one
    if view != "auto":
        plan.view = view
    return plan


def _parts(phrase: Phrase) -> Iterator[_Said]:
    """Parted at an "and", unless all that is said before it are colours."""
    part: list[_Term] = []
    for term in _terms(phrase.words):
        if term.text == "and" and any(one.colour is None and one.text not in ARTICLES for one in part):
            yield _said(phrase, tuple(part))
            part = []
        elif term.text != "and":
            part.append(term)
    yield _said(phrase, tuple(part))


def _said(phrase: Phrase, terms: tuple[_Term, ...]) -> _Said:
    unknown = [term.colour is None and _unknown(term.text) for term in terms]
    named = [index for index, term in enumerate(terms) if term.text not in words_of.EMPTY]
    of_product = phrase.lead not in PLACING and bool(named) and unknown[named[-1]]
    return _Said(phrase.lead, terms, phrase.negated, of_product)


def _unknown(word: str) -> bool:
    return word not in KNOWN and len(word) > 2


def _terms(words: Sequence[str]) -> Iterator[_Term]:
    at = 0
    while at < len(words):
        colour, count = colour_at(words, at)
        following = words[at + 1] if at + 1 < len(words) else ""
        if count == 1 and (
            words[at] in words_of.SCENES or (words[at] in words_of.WOODS and following == "wood")
        ):
            colour = None
        rgb = webcolors.hex_to_rgb(colour) if colour else None
        yield _Term(" ".join(words[at : at + count]), (rgb.red, rgb.green, rgb.blue) if rgb else None)
        at += count


def _scene(said: Sequence[_Said]) -> str:
    """The first scene named wins, but one that is only hinted at ("table", "night") yields to any other."""
    named = [(term.text, phrase.of_product) for phrase in said for term in phrase.terms]
    named = [(word, of_product) for word, of_product in named if word in words_of.SCENES]
    named = [(word, hint) for word, hint in named if not (hint and word in words_of.MATERIALS)]
    strong = [word for word, hint in named if not hint and word not in words_of.HINTS]
    chosen = (strong or [word for word, _ in named] or ["studio"])[0]
    return words_of.SCENES[chosen]


def _exclude(plan: Plan, phrase: _Said) -> None:
    for term in phrase.terms:
        if term.text in words_of.NEGATED_EFFECTS:
            attribute, value = words_of.NEGATED_EFFECTS[term.text]
            setattr(plan, attribute, value)
            plan.used.append(f"no {term.text}")
        elif _worth_a_report(term):
            plan.excluded.append(term.text)


def _apply(plan: Plan, phrase: _Said, before: _Said | None) -> None:
    scenic = any(words_of.SCENES.get(term.text) == plan.scene for term in phrase.terms)
    for at, term in enumerate(phrase.terms):
        if term.colour:
            owner = _owner(phrase, at, before)
            if owner:
                getattr(plan, owner).append(term.colour)
            effect = bool(owner)
        else:
            effect = _has_effect(plan, term.text, phrase.of_product)
        if effect:
            plan.used.append(term.text)
        elif not (scenic and term.text in words_of.HINTS) and _worth_a_report(term):
            plan.ignored.append(term.text)


def _worth_a_report(term: _Term) -> bool:
    return term.colour is not None or (term.text not in words_of.EMPTY and len(term.text) > 2)


def _has_effect(plan: Plan, word: str, of_product: bool) -> bool:
    if word in words_of.EFFECTS and not (of_product and word in words_of.OF_THINGS):
        attribute, value = words_of.EFFECTS[word]
        setattr(plan, attribute, value)
        return True
    return words_of.SCENES.get(word) == plan.scene and not (of_product and word in words_of.MATERIALS)


def _owner(phrase: _Said, at: int, before: _Said | None) -> str:
    """The plan's list that a colour goes to, by the noun it stands before, or else behind; "" of the product."""
    alone = all(term.colour or term.text in words_of.EMPTY - words_of.WALL_NOUNS for term in phrase.terms)
    if alone and phrase.lead == "in" and before and (noun := _noun(before.terms, before.of_product)):
        return "" if noun == "product" else noun
    noun = _noun(phrase.terms[at + 1 :], True) or _noun(phrase.terms[:at][::-1], phrase.of_product)
    if noun == "product":
        return "colours" if phrase.lead in PLACING else ""
    article = at > 0 and phrase.terms[at - 1].text in ("a", "an")
    return noun or ("" if alone and article and phrase.lead not in PLACING else "colours")


def _noun(terms: Sequence[_Term], products: bool) -> str:
    words = [term.text for term in terms if term.colour is None]
    if any(word in words_of.SURFACE_NOUNS for word in words):
        return "surface"
    if any(word in words_of.WALL_NOUNS for word in words):
        return "wall"
    if any(word in words_of.LIGHT_NOUNS for word in words):
        return "lights"
    return "product" if products and any(map(_unknown, words)) else ""

"""Colours by name: plain words, CSS names, codes, and a word that lightens or deepens one."""

import re
from collections.abc import Sequence

import webcolors

from libs.providers.local.vocabulary import COLOURS, MODIFIERS, PLAIN_COLOURS

_WORD = re.compile(r"#(?:[0-9a-f]{6}|[0-9a-f]{3})\b|[a-z]+|[,;.]")
LONGEST = 3
"""Words in a colour's name, as in "light sea green"."""


def colour_at(words: Sequence[str], at: int) -> tuple[str | None, int]:
    """The colour, as `#rrggbb`, that is named from there on, and by how many words; the longest name counts."""
    for count in range(min(LONGEST, len(words) - at), 0, -1):
        if colour := _named(words[at : at + count]):
            return colour, count
    return None, 1


def colours_of(words: Sequence[str]) -> dict[str, str]:
    """By their names, in the order in which they are named."""
    found: dict[str, str] = {}
    at = 0
    while at < len(words):
        colour, count = colour_at(words, at)
        if colour:
            found[" ".join(words[at : at + count])] = colour
        at += count
    return found


def colours_in(text: str) -> dict[str, str]:
    """The same of a text, in which a comma ends a name."""
    return colours_of(_WORD.findall(text.lower()))


def _named(words: Sequence[str]) -> str | None:
    name = "".join(words)
    if len(words) == 1 and name.startswith("#"):
        return str(webcolors.normalize_hex(name))
    if name in COLOURS and len(words) == 1:
        return COLOURS[name]
    if len(words) == 2 and (shade := _shade(*words)):
        return shade
    return _css(name)


def _shade(first: str, second: str) -> str | None:
    """ "Deep red" is a red; "sage green" is sage."""
    if second not in PLAIN_COLOURS and not (first in MODIFIERS and second in COLOURS):
        return None
    if first in MODIFIERS:
        return _css(first + second) or _mixed(COLOURS[second], *MODIFIERS[first])
    if first in COLOURS and first not in PLAIN_COLOURS:
        return COLOURS[first]
    return None


def _css(name: str) -> str | None:
    try:
        return str(webcolors.name_to_hex(name))
    except ValueError:
        return None


def _mixed(colour: str, other: str, share: float) -> str:
    pairs = zip(webcolors.hex_to_rgb(colour), webcolors.hex_to_rgb(other), strict=True)
    return "#{:02x}{:02x}{:02x}".format(*(round(one + (two - one) * share) for one, two in pairs))

"""The words that the local provider knows, as a page: `python -m libs.providers.local.glossary docs/local-words.md`."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

from libs.providers.local import vocabulary as words_of
from libs.providers.local.logo.design import Layout, MarkName
from libs.providers.local.logo.draft import STYLES, TRADES
from libs.providers.local.logo.recolour import TONES

HEAD = """# Words that the local provider knows

Whatever a prompt says beyond these is told in `ignored_words` and a warning, what it says no to ("no plants",
"without wood", "not dark") in `excluded_words`. A colour goes to the noun it stands before: what the product
stands on, what is behind it, or lights; words about the product itself change nothing.

Made from the provider's tables by `python -m libs.providers.local.glossary docs/local-words.md`.
"""
ATTRIBUTES = {
    "warmth": {1.0: "warm light", -1.0: "cool light"},
    "light": {"dark": "dark scene", "bright": "bright light", "soft": "soft light", "hard": "hard light"},
    "reflection": {0.35: "reflection"},
    "floating": {True: "the product floats"},
    "scale": {1.28: "larger", 0.72: "smaller"},
    "view": {"top": "from above"},
    "shadow": {True: "shadow"},
    "place": {-0.45: "on the left", 0.45: "on the right"},
}


def page() -> str:
    effects = {word: ATTRIBUTES[name][value] for word, (name, value) in words_of.EFFECTS.items()}  # type: ignore[index]
    phrases = {phrase: effects[word] for phrase, word in words_of.PHRASES.items()}
    sections: list[tuple[str, str, list[tuple[str, str]]]] = [
        ("Scenes", "scene", _by_value(words_of.SCENES)),
        ("Light, camera and place", "what it does", _by_value({**effects, **phrases})),
        ("Nouns that colours belong to", "what is coloured", _nouns()),
        ("Colours", "as painted", _by_value(words_of.COLOURS)),
        ("Logo styles", "lettering", [(face, words) for words, (face, _) in STYLES.items()]),
        ("Logo trades", "marks", [(", ".join(marks), words) for words, marks in TRADES.items()]),
        ("Logo tones", "what it does", [(name, pattern.replace("|", " ")) for pattern, name, _ in TONES]),
    ]
    tables = [_table(*section) for section in sections]
    more = (
        "Besides these colours all of CSS (“navy”, “forest green”), codes (`#0a5c36`, `#0a5`), and "
        f"{_listed(words_of.MODIFIERS)} before a colour.\n\n"
        f"Marks by name: {_listed(get_args(MarkName))}. Layouts: {_listed(get_args(Layout))}.\n"
    )
    return "\n".join([HEAD, *tables, more])


def _nouns() -> list[tuple[str, str]]:
    kinds = {
        "what the product stands on": words_of.SURFACE_NOUNS,
        "what is behind it": words_of.WALL_NOUNS,
        "lights": words_of.LIGHT_NOUNS,
    }
    return [(kind, " ".join(sorted(nouns))) for kind, nouns in kinds.items()]


def _by_value(table: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows: dict[str, list[str]] = {}
    for word, value in table.items():
        rows.setdefault(str(value), []).append(word)
    return [(value, ", ".join(words)) for value, words in rows.items()]


def _table(title: str, column: str, rows: Iterable[tuple[str, str]]) -> str:
    lines = [f"## {title}", "", f"| {column} | words |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {value} | {words} |" for value, words in rows), ""])


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), "utf-8")

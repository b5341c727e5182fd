"""A text in phrases: what opens each ("on", "with"), and whether it says what is not wanted."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from libs.providers.local.vocabulary import word_set

PLACING = word_set("on in at against before onto inside under over above upon atop auf im am vor unter über")
"""What follows is where the product is."""
BESIDE = word_set("with near beside by next of for from behind among to into through mit neben bei")
"""What follows goes along with it."""
NEGATORS = word_set("""
    no not without never less minus except excluding exclude avoid isn't aren't don't doesn't nor
    neither ohne kein keine keinen keinem keiner nicht sans sin senza zonder
""")
FAR_REACHING = word_set("without except excluding exclude avoid ohne sans sin senza zonder")
"""Negators that hold for a list with "and"; the others only for one with "or"."""
OTHERWISE = word_set("but just only instead though yet sondern aber nur")
AND, OR = frozenset({"and", "&", "und", "et", "y"}), frozenset({"or", "nor", "oder", "noch", "ou"})
ARTICLES = word_set("a an the any some too very so my our your its this that these those")

_REWRITTEN = (
    (re.compile(r"[’`]"), "'"),
    (re.compile(r"\b(?:instead of|rather than|free (?:of|from)|anything but|everything but)\b"), "without"),
    (re.compile(r"\b(do|does|is|are) not\b"), "not"),
    (re.compile(r"\b(\w+)-free\b"), r", no \1 ,"),
    (re.compile(r"\bshadowless\b"), ", no shadow ,"),
    (re.compile(r"\bin front of\b"), "before"),
)
_PART = re.compile(r"#(?:[0-9a-f]{6}|[0-9a-f]{3})\b|[^\W\d_][\w'-]*|[,;.:!?()\n&]")
_STOP = frozenset(";.!?()\n")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Lower-case words, articles and "and" among them, without the words that open it or say no to it."""

    lead: str
    words: tuple[str, ...]
    negated: bool = False


def phrases(text: str) -> list[Phrase]:
    return [phrase for phrase in _split(_parts(text)) if phrase.words]


def wanted(text: str) -> str:
    """The text without what it says no to, for those who look for words in it."""
    kept = [phrase for phrase in phrases(text) if not phrase.negated]
    return "".join(f"{' ' + one.lead if one.lead else ','} {' '.join(one.words)}" for one in kept).strip(", ")


def negated_words(text: str) -> list[str]:
    return [word for phrase in phrases(text) if phrase.negated for word in phrase.words]


def _parts(text: str) -> list[str]:
    text = text.lower()
    for pattern, replacement in _REWRITTEN:
        text = pattern.sub(replacement, text)
    return _PART.findall(text)


def _split(parts: Sequence[str]) -> Iterator[Phrase]:
    lead, negator = "", ""
    words: list[str] = []
    for at, part in enumerate(parts):
        fresh = negator and not set(words) - ARTICLES  # "not on wood": what is negated is still to come
        if part in NEGATORS:
            yield Phrase(lead, tuple(words), bool(negator))
            lead, words, negator = "", [], part
        elif negator and part == "of":
            continue  # "no kind of wood"
        elif part in PLACING | BESIDE:
            if not fresh:
                yield Phrase(lead, tuple(words), bool(negator))
                words, negator = [], ""
            lead = part
        elif _ends(negator, parts, at, bool(fresh)):
            yield Phrase(lead, tuple(words), bool(negator))
            lead, words, negator = "", [], ""
        elif part not in ",:":
            words.append("and" if part in AND else part)
    yield Phrase(lead, tuple(words), bool(negator))


def _ends(negator: str, parts: Sequence[str], at: int, fresh: bool) -> bool:
    part = parts[at]
    if part in OTHERWISE or part in _STOP:
        return True
    if not negator:
        return part == ","
    return part in {",", ":", *AND, *OR} and not _goes_on(negator, parts, at, fresh)


def _goes_on(negator: str, parts: Sequence[str], at: int, fresh: bool) -> bool:
    """Whether what is negated does not end at this comma or conjunction."""
    part, rest = parts[at], _list(parts[at + 1 :])
    if part in OR:
        return True
    joints = OR | (AND if negator in FAR_REACHING else frozenset())
    if part in AND:
        return len(rest) == 1
    if part == ":" or negator in ("avoid", "exclude"):
        return not (fresh and part == ",")
    items = re.split(r"[,/]", re.sub(rf" (?:{'|'.join(joints)}) ", ",", f" {' '.join(rest)} "))
    return any(word in joints for word in rest) and all(len(item.split()) <= 2 for item in items)


def _list(parts: Sequence[str]) -> list[str]:
    """What may still be items of the same list, without articles."""
    items = []
    for part in parts:
        if part in _STOP or part in NEGATORS | OTHERWISE | PLACING | BESIDE:
            break
        if part not in ARTICLES:
            items.append(part)
    return items

"""An instruction taken apart: texts that are given, what is wanted, and what is not."""

import re
from dataclasses import dataclass, field
from typing import get_args

from libs.providers.local.colours import colour_at
from libs.providers.local.logo.design import MarkName
from libs.providers.local.phrases import negated_words, wanted
from libs.providers.local.vocabulary import EMPTY, word_set

MARK_WORDS = "icon|mark|symbol|emblem|" + "|".join(
    f"{mark.removesuffix('s')}s?" for mark in get_args(MarkName)
)
TEXT_WORDS = "letters?|lettering|font|type|typeface|typography|text|words?"
NAME_WORDS = f"name|wordmark|{TEXT_WORDS}"
TAGLINE_WORDS = "tagline|slogan|claim|strapline|subtitle"
BACKGROUND_WORDS = "background|backdrop|paper"

WORD = re.compile(r"#(?:[0-9a-f]{6}|[0-9a-f]{3})\b|[^\W\d_][\w'-]*")
FILLING = word_set(
    "change set turn put give need want would could can you should have has had get also now then still all whole "
    "everything colour colours colors more much bit little slightly please thanks thank but only just add version "
    "size sized them they each every own new one kind like different both layout logo is's it's i'd let's will be being"
)
"""Words of an instruction that ask for nothing by themselves."""
_QUOTED = r"[\"“„'«](?P<quoted>[^\"“”„»]+?)[\"”“'»](?!\w)"
_FREE = r"(?P<free>[^,;.\n\"“„«]+?)(?=\s*(?:[,;.\n]|$|\band (?:make|change|use|remove|drop|add|set|put|turn|with)\b))"
_GIVEN = rf"(?:{_QUOTED}|{_FREE})"
_TO = r"(?:\s+(?:should (?:be|read|say)|is|to|into|as|reading|saying)\s+|\s*[:=]\s*)"
_SET = r"(?:\b(?:change|set|make|rename|replace|update|add|use)\s+)?(?:\b(?:the|a|an|brand|brand's|new)\s+)*"
_NAMES = (
    re.compile(rf"{_SET}\bname(?:{_TO}|\s+(?=[\"“„«])){_GIVEN}", re.IGNORECASE),
    re.compile(rf"\brename (?:it |the (?:brand|logo) )?to {_GIVEN}", re.IGNORECASE),
    re.compile(rf"\bcall it {_GIVEN}", re.IGNORECASE),
)
_TAGLINES = (
    re.compile(rf"{_SET}\b(?:{TAGLINE_WORDS})(?:{_TO}|\s+(?=[\"“„«])){_GIVEN}", re.IGNORECASE),
    re.compile(rf"\badd {_QUOTED} as (?:the |a )?(?:{TAGLINE_WORDS})", re.IGNORECASE),
)
_NO_TEXT = re.compile(
    r"(?:too|more|less|much|a bit|slightly|be|upper|lower|capital|caps|all caps|bold|thin|light|heav|thick|big|"
    r"large|small|round|wide|tight|spaced|elegant|modern|serif|the (?:left|right|top|bottom|side|middle|cent))"
)
"""How a text may look, which is no text."""
_KEPT = re.compile(
    r"\b(?:keep|leave|(?:don't|do not|without) (?:chang\w+|touch\w*))\b[^,;.]*?(?=[,;.]|$|\bbut\b|\band make\b)"
)
_SWAPPED = re.compile(rf"\b(?:replace|swap|exchange) (?:the )?(?:{MARK_WORDS}) (?:with|by|for) ")
_ONLY = re.compile(
    r"\b(?:(?:only|just) (?:the )?(icon|mark|symbol|text|name)(?=\s*(?:[,;.]|$))"
    r"|(icon|mark|symbol|text|name|wordmark) only\b)"
)
_REMOVED = re.compile(r"\b(?:remove|drop|delete|lose|get rid of|take (?:away|out|off)|hide|skip)\b")


@dataclass(slots=True)
class Instruction:
    """`text` is what is wanted, in lower case; what a rule has read of it is taken out of it."""

    text: str
    unwanted: list[str]
    name: str | None = None
    tagline: str | None = None
    notes: list[str] = field(default_factory=list)
    """What was understood and cannot be."""

    @property
    def left(self) -> list[str]:
        """Words that nobody has understood."""
        words = [*self.unwanted, *WORD.findall(self.text)]
        known = re.compile(rf"{MARK_WORDS}|{NAME_WORDS}|{TAGLINE_WORDS}|{BACKGROUND_WORDS}|logo")
        rest = [word for word in words if len(word) > 2 and word not in EMPTY | FILLING]
        return list(dict.fromkeys(word for word in rest if not known.fullmatch(word)))

    def take(self, pattern: str) -> bool:
        rest, count = re.subn(rf"\b(?:{pattern})(?!\w)", " ", self.text)
        self.text = rest
        return count > 0

    def refuse(self, pattern: str) -> bool:
        """Whether a word that is not wanted is of these; it is understood then."""
        found = [word for word in self.unwanted if re.fullmatch(pattern, word)]
        self.unwanted = [word for word in self.unwanted if word not in found]
        return bool(found)


def read(words: str) -> Instruction:
    name, words = _given(_NAMES, words)
    tagline, words = _given(_TAGLINES, words)
    text = words.lower().replace("’", "'")
    text = _REMOVED.sub(" without ", _SWAPPED.sub(" use ", _KEPT.sub(" ", text)))
    text = _ONLY.sub(lambda found: f"{found[1] or found[2]}_only", text)
    return Instruction(wanted(text), negated_words(text), name, tagline)


def _given(patterns: tuple[re.Pattern[str], ...], words: str) -> tuple[str | None, str]:
    for pattern in patterns:
        found = pattern.search(words)
        text = (found["quoted"] or found.groupdict().get("free") or "").strip() if found else ""
        if found and text and (found["quoted"] or not _tells_a_look(text)):
            return text, words[: found.start()] + " , " + words[found.end() :]
    return None, words


def _tells_a_look(text: str) -> bool:
    words = text.split()
    return text.islower() and (_NO_TEXT.match(text) is not None or colour_at(words, 0) != (None, 1))

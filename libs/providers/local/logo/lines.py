"""Words in one line or several, as large as fits."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from libs.providers.local.logo.design import FaceName
from libs.providers.local.logo.lettering import Lettering, cap_height, set_text

LEADING = 1.5
"""From line to line, in heights of a capital."""
SHARE = {1: 1.0, 2: 0.70, 3: 0.52}
"""By the number of lines: of the height that a single line may have."""
WORTH_A_LINE = 1.3
GREEK_ACCENT = "\u0301"


@dataclass(frozen=True, slots=True)
class Setting:
    face: FaceName
    tracking: float = 0.0
    """In ems."""
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Text:
    """Lines at their size: ems times `scale` are pixels."""

    lines: tuple[Lettering, ...]
    scale: float
    cap_height: float

    @property
    def width(self) -> float:
        return max(line.width for line in self.lines) * self.scale

    @property
    def below(self) -> float:
        """What the lines after the first one take."""
        return (len(self.lines) - 1) * LEADING * self.cap_height

    @property
    def height(self) -> float:
        return self.cap_height + self.below

    def placed(self, left: float, baseline: float, align: float) -> Iterator[tuple[Lettering, float, float]]:
        """Every line with its left end and its baseline, the last one on `baseline`; `align` 0 is left, 0.5 centred."""
        for number, line in enumerate(reversed(self.lines)):
            x = left + align * (self.width - line.width * self.scale)
            yield line, x, baseline - number * LEADING * self.cap_height


def fit(text: str, how: Setting, width: float, height: float, most_lines: int) -> Text:
    """In another line where that makes it much larger; `height` is that of a capital in a single one."""
    words = text.replace("& ", "&\u00a0").split(" ")  # an ampersand begins a line
    chosen = _set(words, 1, how, width, height)
    for count in range(2, min(most_lines, len(words)) + 1):
        other = _set(words, count, how, width, height)
        chosen = other if other.cap_height > WORTH_A_LINE * chosen.cap_height else chosen
    return chosen


def _set(words: Sequence[str], count: int, how: Setting, width: float, height: float) -> Text:
    capital = cap_height(how.face)
    lines = tuple(set_text(line, how.face, how.tracking, how.weight) for line in _balanced(words, count))
    widest = max(line.width for line in lines)
    scale = min(width / max(widest, 1e-6), height * SHARE[count] / capital)
    return Text(lines, scale, capital * scale)


def _balanced(words: Sequence[str], count: int) -> list[str]:
    """The longest line as short as can be."""
    breaks = combinations(range(1, len(words)), count - 1)
    ways = [_joined(words, (0, *places, len(words))) for places in breaks]
    return min(ways, key=lambda lines: max(map(len, lines)))


def _joined(words: Sequence[str], places: Sequence[int]) -> list[str]:
    return [" ".join(words[start:end]).replace("\u00a0", " ") for start, end in pairwise(places)]


def capitals(text: str) -> str:
    """Greek capitals have no accents."""
    upper = text.upper()
    if not any("GREEK" in unicodedata.name(letter, "") for letter in upper):
        return upper
    bare = unicodedata.normalize("NFD", upper).replace(GREEK_ACCENT, "")
    return unicodedata.normalize("NFC", bare)

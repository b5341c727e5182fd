"""Words as outlines, so that neither the SVG nor its viewer needs a font.

The faces come from packages on PyPI (SIL Open Font License, Caladea under Apache 2.0), so that every machine
has the same ones.
"""

import functools
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
import pathops
from fontTools.pens.basePen import BasePen
from fontTools.ttLib import TTFont

from libs.providers.local.logo.design import FaceName
from libs.providers.local.logo.geometry import Point, Ring, moved

MANROPE = ("ExtraLight", "Light", "Regular", "Medium", "SemiBold", "Bold", "ExtraBold")
SOURCE = ("ExtraLight", "Light", "Regular", "Semibold", "Bold", "Black")
FACES: Mapping[FaceName, tuple[str, str, tuple[str, ...], int]] = {
    "geometric": ("font_manrope", "Manrope-{}.ttf", MANROPE, 6),
    "modern": ("font_manrope", "Manrope-{}.ttf", MANROPE, 4),
    "light": ("font_manrope", "Manrope-{}.ttf", MANROPE, 1),
    "rounded": ("font_fredoka_one", "FredokaOne-{}.ttf", ("Regular",), 0),
    "soft": (
        "font_hanken_grotesk",
        "HankenGrotesk-{}.otf",
        ("Light", "Regular", "Medium", "SemiBold", "Bold"),
        3,
    ),
    "serif": ("font_source_serif_pro", "SourceSerifPro-{}.ttf", SOURCE, 2),
    "slab": ("font_caladea", "Caladea-{}.ttf", ("Regular", "Bold"), 1),
    "heavy": ("font_source_sans_pro", "SourceSansPro-{}.ttf", SOURCE, 5),
    "humanist": ("font_source_sans_pro", "SourceSansPro-{}.ttf", SOURCE, 3),
}
"""Package, file, its weights from thin to heavy, and which of them is the face's own."""
STAND_INS: tuple[FaceName, ...] = ("soft", "humanist")
"""For a face that lacks a letter; the last one has the most."""
CURVE_POINTS = 10


@dataclass(frozen=True, slots=True)
class Lettering:
    """Glyphs in ems, the baseline at y = 0; `missing` are characters that no face has."""

    glyphs: tuple[tuple[Ring, ...], ...]
    left: float
    top: float
    right: float
    bottom: float
    missing: str = ""

    @property
    def width(self) -> float:
        return self.right - self.left


def heavier(face: FaceName, weight: int, steps: int) -> int:
    """The weight so many steps on, or as far as the face goes."""
    weights, own = FACES[face][2:]
    return max(-own, min(len(weights) - 1 - own, weight + steps))


def set_text(text: str, face: FaceName, tracking: float = 0.0, weight: int = 0) -> Lettering:
    """In another face if this one lacks a letter, so that a word has one face."""
    text = unicodedata.normalize("NFC", text)
    fonts = [_font(one, heavier(one, 0, weight)) for one in (face, *STAND_INS)]
    missing = [letter for letter in text if not any(font.covers(letter) for font in fonts)]
    held = "".join(letter for letter in text if letter not in missing).strip()
    font = next((one for one in fonts if one.covers(held)), fonts[-1])
    x, previous, glyphs = 0.0, "", []
    for letter in held:
        name = font.characters.get(ord(letter))
        if name is None:
            missing.append(letter)
            continue
        x += font.kerning(previous, name) if previous else 0.0
        if outline := font.outline(name):
            glyphs.append(tuple(moved(ring, x, 0) for ring in outline))
        x += font.advance(name) + tracking
        previous = name
    points = np.concatenate([ring for glyph in glyphs for ring in glyph] or [np.zeros((1, 2))])
    (left, top), (right, bottom) = points.min(0), points.max(0)
    told = "".join(letter for letter in missing if letter.isprintable())  # without joiners of emoji
    return Lettering(tuple(glyphs), float(left), float(top), float(right), float(bottom), told)


def cap_height(face: FaceName) -> float:
    """In ems."""
    return -set_text("H", face).top


class _Font:
    """Lengths in ems."""

    def __init__(self, face: FaceName, weight: int) -> None:
        package, name, weights, own = FACES[face]
        file = resources.files(package) / "files" / name.format(weights[own + weight])
        with resources.as_file(file) as path:
            self._tables = TTFont(path, lazy=False)
        self._em = float(self._tables["head"].unitsPerEm)
        self._glyphs = self._tables.getGlyphSet()
        self.characters: dict[int, str] = self._tables.getBestCmap()

    def covers(self, text: str) -> bool:
        return all(ord(letter) in self.characters for letter in text)

    def advance(self, glyph: str) -> float:
        return float(self._tables["hmtx"][glyph][0]) / self._em

    @functools.lru_cache(maxsize=500)  # noqa: B019 fonts live as long as the process
    def outline(self, glyph: str) -> list[Ring]:
        """Strokes that overlap in the font become one, so that even-odd filling makes no hole of the overlap."""
        path = pathops.Path()
        self._glyphs[glyph].draw(path.getPen(glyphSet=self._glyphs))
        path.simplify(fix_winding=True)
        pen = _Flattener(self._glyphs)
        path.draw(pen)
        return [np.array(ring) * (1, -1) / self._em for ring in pen.rings]

    def kerning(self, first: str, second: str) -> float:
        """Of the first pair table that knows the pair."""
        for table in self._pair_tables():
            if first in table.Coverage.glyphs and (adjusted := _adjustment(table, first, second)):
                return adjusted / self._em
        return 0.0

    @functools.cache  # noqa: B019
    def _pair_tables(self) -> list[Any]:
        if "GPOS" not in self._tables:
            return []
        lookups = self._tables["GPOS"].table.LookupList.Lookup
        tables = [getattr(table, "ExtSubTable", table) for lookup in lookups for table in lookup.SubTable]
        return [table for table in tables if table.LookupType == 2]


@functools.cache
def _font(face: FaceName, weight: int) -> _Font:
    return _Font(face, weight)


def _adjustment(table: Any, first: str, second: str) -> int:
    """Format 1 lists pairs of glyphs, format 2 pairs of classes."""
    if table.Format == 1:
        pairs = table.PairSet[table.Coverage.glyphs.index(first)].PairValueRecord
        values = [pair.Value1 for pair in pairs if pair.SecondGlyph == second]
    else:
        row = table.Class1Record[table.ClassDef1.classDefs.get(first, 0)].Class2Record
        values = [row[table.ClassDef2.classDefs.get(second, 0)].Value1]
    return next((int(getattr(value, "XAdvance", 0) or 0) for value in values if value), 0)


class _Flattener(BasePen):  # type: ignore[misc]
    """Outlines as polylines."""

    def __init__(self, glyphs: Any) -> None:
        super().__init__(glyphs)
        self.rings: list[list[Point]] = []

    def _moveTo(self, point: Point) -> None:  # noqa: N802
        self.rings.append([point])

    def _lineTo(self, point: Point) -> None:  # noqa: N802
        self.rings[-1].append(point)

    def _curveToOne(self, first: Point, second: Point, end: Point) -> None:  # noqa: N802
        start = self._getCurrentPoint()
        for t in np.linspace(0, 1, CURVE_POINTS + 1)[1:]:
            weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
            x, y = np.dot(weights, [start, first, second, end])
            self.rings[-1].append((float(x), float(y)))

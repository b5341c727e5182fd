"""Fifteen marks in the square from -1 to 1. A mark draws its proportions from the generator it is given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from libs.providers.local.logo import palette
from libs.providers.local.logo.design import Design, Frame, MarkName
from libs.providers.local.logo.geometry import (
    Ring,
    arc_band,
    circle,
    ellipse,
    join,
    leaf,
    moved,
    polygon,
    rectangle,
    rounded,
    star,
    superellipse,
    turned,
    wave_band,
    xy,
)
from libs.providers.local.logo.lettering import set_text

LEGIBLE = 4.5
"""Contrast of letters on their plate; with less they are cut out of it."""
FRAMES: tuple[Frame, ...] = ("circle", "squircle", "hexagon", "ring", "shield", "none")


@dataclass(frozen=True, slots=True)
class Shape:
    """`colour` is a place in the palette; None cuts a hole into what lies below."""

    rings: list[Ring]
    colour: int | None = 0
    opacity: float = 1.0


Mark = Callable[[np.random.Generator, Design], list[Shape]]


def draw(design: Design) -> list[Shape]:
    return MARKS[design.mark](np.random.default_rng([*design.seed, 13]), design)


def _rounding(design: Design, usual: float) -> float:
    return usual if design.rounding is None else design.rounding


def _petals(rng: np.random.Generator, design: Design) -> list[Shape]:
    count, length = int(rng.integers(5, 9)), rng.uniform(0.92, 1.05)
    width, offset = rng.uniform(0.34, 0.52), rng.uniform(0.44, 0.54)
    shapes = []
    for index in range(count):
        angle = index * 2 * np.pi / count - np.pi / 2
        petal = leaf(np.cos(angle) * offset, np.sin(angle) * offset, length, width, angle)
        shapes.append(Shape([petal], index % 2 if count % 2 == 0 else 0))
    return [*shapes, Shape([circle(0, 0, 0.12)], 2)] if rng.random() < 0.5 else shapes


def _circles(rng: np.random.Generator, design: Design) -> list[Shape]:
    if rng.integers(2):
        places, radius = [(-0.36, 0.0), (0.36, 0.0)], 0.62
    else:
        angles = np.radians([-90, 30, 150])
        places, radius = [(0.40 * np.cos(angle), 0.40 * np.sin(angle)) for angle in angles], 0.55
    return [Shape([circle(x, y, radius)], index, 0.86) for index, (x, y) in enumerate(places)]


def _orbit(rng: np.random.Generator, design: Design) -> list[Shape]:
    tilt = rng.uniform(-0.6, -0.2)
    front = np.linspace(0, np.pi, 60)
    over_planet = np.linspace(0.98, np.pi - 0.98, 40)

    def band(angle: Ring, outer: tuple[float, float], inner: tuple[float, float]) -> Ring:
        unit = xy(np.cos(angle), np.sin(angle))
        return turned(join(unit * outer, (unit * inner)[::-1]), tilt)

    moon = turned(np.array([(0.78, -0.46)]), tilt)[0]
    return [
        Shape([turned(ellipse(1.04, 0.30), tilt), turned(ellipse(0.90, 0.19), tilt)], 1),
        Shape([circle(0, 0, 0.52)], 0),
        Shape([band(over_planet, (1.04, 0.36), (0.90, 0.13))], None),
        Shape([band(front, (1.04, 0.30), (0.90, 0.19))], 1),
        Shape([circle(float(moon[0]), float(moon[1]), 0.11)], 2),
    ]


def _chevrons(rng: np.random.Generator, design: Design) -> list[Shape]:
    count = int(rng.integers(2, 4))
    step = 1.05 / count
    thickness = min(1.25 * rng.uniform(0.20, 0.27), 0.72 * step)
    shapes = []
    for index in range(count):
        y = 0.52 - index * step
        upper = [(-0.85, y), (0, y - 0.62), (0.85, y)]
        lower = [(x, below + thickness) for x, below in reversed(upper)]
        shapes.append(Shape([rounded(upper + lower, _rounding(design, 0.0))], min(index, 2)))
    return shapes


def _mountain(rng: np.random.Generator, design: Design) -> list[Shape]:
    rounding = _rounding(design, 0.06)
    snow = [
        (-0.28, -0.52),
        (-0.485, -0.195),
        (-0.36, -0.26),
        (-0.27, -0.13),
        (-0.17, -0.26),
        (-0.075, -0.195),
    ]
    peaks = [
        Shape([rounded([(-0.05, 0.62), (0.42, -0.12), (1.0, 0.62)], rounding)], 1),
        Shape([rounded([(-1.0, 0.62), (-0.28, -0.52), (0.44, 0.62)], rounding)], 0),
        Shape([rounded(snow, 0.02)], 2),
    ]
    return [Shape([circle(0.52, -0.46, 0.22)], 2), *peaks] if rng.random() < 0.7 else peaks


def _waves(rng: np.random.Generator, design: Design) -> list[Shape]:
    phase = rng.uniform(0, 3)
    shapes = []
    for index in range(3):
        y = -0.42 + index * 0.42
        half = 0.96 * np.sqrt(1 - y * y)
        shapes.append(Shape([wave_band(half, y, 0.11, 0.24, 1.4, phase + 0.5 * index)], index))
    return shapes


def _leaf(rng: np.random.Generator, design: Design) -> list[Shape]:
    def veined(x: float, y: float, length: float, width: float, angle: float) -> list[Ring]:
        return [leaf(x, y, length, width, angle), leaf(x, y, length * 0.78, 0.05, angle)]

    if rng.random() < 0.45:
        return [Shape(veined(0.04, -0.05, 1.9, 0.98, rng.uniform(-0.95, -0.65)), 0)]
    return [
        Shape(veined(-0.34, 0.10, 1.25, 0.62, -np.pi / 2 - 0.62), 1),
        Shape(veined(0.36, -0.05, 1.55, 0.74, -np.pi / 2 + 0.55), 0),
        Shape([rectangle(-0.02, 0.58, 0.08, 0.36, 0.03)], 0),
    ]


def _bolt(rng: np.random.Generator, design: Design) -> list[Shape]:
    flash = np.array(
        [(0.12, -0.95), (-0.62, 0.16), (-0.06, 0.16), (-0.18, 0.95), (0.62, -0.24), (0.06, -0.24)]
    )
    base = int(rng.integers(3))
    if base == 0:
        return [Shape([rounded(flash, _rounding(design, 0.04))], 0)]
    plate = circle(0, 0, 1) if base == 1 else superellipse(0.98)
    return [Shape([plate], 0), Shape([rounded(flash * 0.72, _rounding(design, 0.03))], None)]


def _bars(rng: np.random.Generator, design: Design) -> list[Shape]:
    count = int(rng.integers(3, 6))
    heights = np.sort(rng.uniform(0.5, 1.9, count))
    step = 1.7 / count
    rounding = _rounding(design, 0.12) * step
    return [
        Shape(
            [rectangle(-0.85 + index * step, 0.92 - height, step * 0.68, height, rounding)],
            index * 3 // count,
        )
        for index, height in enumerate(heights)
    ]


def _spark(rng: np.random.Generator, design: Design) -> list[Shape]:
    rays = int(rng.choice([4, 4, 6, 8]))
    if rays > 4:
        return [Shape([star(rays, rng.uniform(0.18, 0.30))], 0)]
    glint = superellipse(1, rng.uniform(0.55, 0.75))
    return [Shape([glint], 0), Shape([moved(0.34 * glint, 0.72, -0.66)], 2)]


def _house(rng: np.random.Generator, design: Design) -> list[Shape]:
    walls = [(-0.82, 0.85), (-0.82, -0.10), (0, -0.88), (0.82, -0.10), (0.82, 0.85)]
    arch = 0.20 if rng.random() < 0.6 else 0.02
    door = rounded([(-0.20, 0.86), (-0.20, 0.22), (0.20, 0.22), (0.20, 0.86)], arch)
    door[:, 1] = np.where(door[:, 1] > 0.6, 0.86, door[:, 1])  # only its top is rounded
    return [Shape([rounded(walls, _rounding(design, 0.08))], 0), Shape([door], None)]


def _pin(rng: np.random.Generator, design: Design) -> list[Shape]:
    angle = np.radians(np.linspace(150, 390, 70))
    drop = join(xy(0.66 * np.cos(angle), -0.28 + 0.66 * np.sin(angle)), [(0.0, 0.98)])
    return [Shape([drop, circle(0, -0.28, rng.uniform(0.22, 0.30))], 0)]


def _cup(rng: np.random.Generator, design: Design) -> list[Shape]:
    body = rounded([(-0.72, -0.28), (0.46, -0.28), (0.36, 0.72), (-0.62, 0.72)], _rounding(design, 0.22))
    handle = arc_band(0.42, 0.12, 0.22, 0.36, -1.35, 1.5)
    saucer = rectangle(-0.88, 0.80, 1.42, 0.11, 0.055)
    steam = [Shape([_steam(x)], 1) for x in (-0.38, -0.06, 0.26)]
    return [Shape([handle], 0), Shape([body], 0), *steam, Shape([saucer], 1)]


def _steam(x: float) -> Ring:
    y = np.linspace(-0.92, -0.44, 40)
    middle = x + 0.07 * np.sin((y + 0.9) * 11)
    half = 0.052 * np.sin(np.pi * np.linspace(0.08, 0.92, 40)) + 0.008
    return join(xy(middle - half, y), xy(middle + half, y)[::-1])


def _shield(rng: np.random.Generator, design: Design) -> list[Shape]:
    lined = [0.86 * _shield_ring(), 0.76 * _shield_ring()] if rng.random() < 0.6 else []
    return [Shape([_shield_ring(), *lined], 0)]


def _shield_ring() -> Ring:
    t = np.linspace(0, 1, 40)
    side = xy(0.82 - 0.82 * t**2.3, -0.30 + 1.28 * t)
    return join([(-0.82, -0.70), (0, -0.92), (0.82, -0.70)], side, (side * (-1, 1))[::-1])


def _monogram(rng: np.random.Generator, design: Design) -> list[Shape]:
    frame = design.frame or FRAMES[int(rng.integers(len(FRAMES)))]
    rings: dict[Frame, list[Ring]] = {
        "circle": [circle(0, 0, 1)],
        "squircle": [superellipse(0.97)],
        "hexagon": [polygon(1, 6, 0.12)],
        "shield": [_shield_ring()],
        "ring": [circle(0, 0, 1), circle(0, 0, 0.86)],
        "none": [],
    }
    on_plate = 1 if palette.contrast(*design.palette[:2]) >= LEGIBLE else None
    colour = {"ring": 1, "none": 0}.get(frame, on_plate)
    letters = _letters(design, room=1.9 if frame == "none" else 1.06)
    plate = [Shape(rings[frame], 0)] if rings[frame] else []
    return [*plate, *(Shape(letter, colour) for letter in letters)]


def _letters(design: Design, room: float) -> list[list[Ring]]:
    """Centred, at most `room` wide and high."""
    text = set_text(design.letters or design.name[:1].upper(), design.face)
    scale = room / max(text.width, text.bottom - text.top, 1e-6)
    centre = ((text.left + text.right) / 2, (text.top + text.bottom) / 2)
    return [[(ring - centre) * scale for ring in glyph] for glyph in text.glyphs]


MARKS: Mapping[MarkName, Mark] = {
    "petals": _petals,
    "circles": _circles,
    "orbit": _orbit,
    "chevrons": _chevrons,
    "mountain": _mountain,
    "waves": _waves,
    "leaf": _leaf,
    "bolt": _bolt,
    "bars": _bars,
    "spark": _spark,
    "house": _house,
    "pin": _pin,
    "cup": _cup,
    "shield": _shield,
    "monogram": _monogram,
}

"""Outlines as closed polylines, which SVG and the rasteriser share. Angles in radians, y points down."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Ring: TypeAlias = npt.NDArray[Any]
"""N×2 points of a closed outline. Several rings are filled even-odd, so an inner one is a hole."""

Point: TypeAlias = tuple[float, float]

TURN = 2 * np.pi


def join(*parts: npt.ArrayLike) -> Ring:
    return np.concatenate([np.asarray(part, float) for part in parts])


def xy(x: npt.ArrayLike, y: npt.ArrayLike) -> Ring:
    return np.stack(np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float)), -1)


def turned(ring: Ring, angle: float) -> Ring:
    """About the origin."""
    sine, cosine = np.sin(angle), np.cos(angle)
    return np.asarray(ring @ np.array([[cosine, sine], [-sine, cosine]]))


def moved(ring: Ring, x: float, y: float) -> Ring:
    return np.asarray(ring + np.array([x, y]))


def circle(x: float, y: float, radius: float, points: int = 96) -> Ring:
    return moved(ellipse(radius, radius, points), x, y)


def ellipse(across: float, down: float, points: int = 120) -> Ring:
    angle = np.linspace(0, TURN, points, endpoint=False)
    return xy(across * np.cos(angle), down * np.sin(angle))


def polygon(radius: float, corners: int, rounding: float = 0.0) -> Ring:
    """Regular, a corner at the top."""
    angle = np.arange(corners) * TURN / corners - np.pi / 2
    return rounded(xy(radius * np.cos(angle), radius * np.sin(angle)), rounding * radius)


def rectangle(x: float, y: float, width: float, height: float, rounding: float = 0.0) -> Ring:
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    return rounded(np.array(corners), rounding)


def rounded(corners: npt.ArrayLike, radius: float, points: int = 10) -> Ring:
    """Every corner replaced by a quadratic curve that starts `radius` before it, or at half an edge."""
    here = np.asarray(corners, float)
    if radius <= 0:
        return here
    t = np.linspace(0, 1, points)[:, None]
    curves = []
    for before, corner, after in zip(np.roll(here, 1, 0), here, np.roll(here, -1, 0), strict=True):
        start, end = (corner + _towards(corner, other, radius) for other in (before, after))
        curves.append((1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t**2 * end)
    return np.concatenate(curves)


def _towards(corner: Ring, other: Ring, distance: float) -> Ring:
    edge = other - corner
    length = float(np.linalg.norm(edge))
    return np.asarray(edge / length * min(distance, 0.48 * length))


def superellipse(radius: float, exponent: float = 4.6, points: int = 128) -> Ring:
    angle = np.linspace(0, TURN, points, endpoint=False)
    cosine, sine = np.cos(angle), np.sin(angle)
    power = 2 / exponent
    return radius * xy(np.sign(cosine) * np.abs(cosine) ** power, np.sign(sine) * np.abs(sine) ** power)


def leaf(x: float, y: float, length: float, width: float, angle: float, points: int = 40) -> Ring:
    """Two arcs that meet in points."""
    t = np.linspace(0, 1, points)
    half = np.sin(np.pi * t) * width / 2
    along = (t - 0.5) * length
    return moved(turned(join(xy(along, -half), xy(along, half)[::-1]), angle), x, y)


def star(rays: int, waist: float, points: int = 240) -> Ring:
    """Soft rays of length 1, the first one up; `waist` is the radius between them."""
    angle = np.linspace(0, TURN, points, endpoint=False)
    radius = waist + (1 - waist) * np.abs(np.cos(angle * rays / 2)) ** 3.2
    return xy(radius * np.sin(angle), -radius * np.cos(angle))


def arc_band(x: float, y: float, inner: float, outer: float, start: float, end: float) -> Ring:
    angle = np.linspace(start, end, 60)
    unit = xy(np.cos(angle), np.sin(angle))
    return moved(join(outer * unit, inner * unit[::-1]), x, y)


def wave_band(half: float, y: float, amplitude: float, thickness: float, waves: float, phase: float) -> Ring:
    """From -half to half."""
    x = np.linspace(-half, half, 80)
    middle = y + amplitude * np.sin((x + half) / (2 * half) * waves * TURN + phase)
    return join(xy(x, middle - thickness / 2), xy(x, middle + thickness / 2)[::-1])

"""Small marks on smooth parts of a product: dust, scratches, or print and reflections that look like them.

On drawn mugs it finds most dust and touches every scratch; on patterned surfaces it keeps silent.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from libs.imaging.pixels import Pixels, Plane, gaussian, square, to_lab

MOST_MARKS = 12
PATTERN_MARKS = 40  # that many is a pattern, not damage


@dataclass(frozen=True, slots=True)
class Mark:
    kind: str
    """`scratch` or `spot`."""
    strength: float
    """How far it stands out of its surroundings, in standard deviations of a smooth area."""
    confidence: float
    box: tuple[int, int, int, int]
    """x, y, width, height in pixels."""


@dataclass(frozen=True, slots=True)
class _Relief:
    """Lightness against a local median, which is blind to marks but follows shading."""

    residual: Plane
    sigma: float
    span: Plane
    """Range of the median nearby: large at the edges of parts and prints."""
    smooth: Plane


def find_marks(rgb: Pixels, core: Plane) -> list[Mark]:
    """Strongest first; `core` is the product without its edge."""
    if core.sum() < 2000:
        return []
    relief = _relief(rgb, core)
    smooth_share = float(relief.smooth.sum() / core.sum())
    if smooth_share < 0.25:
        return []
    marks = _without_mirrored(list(_candidates(relief, core)), core)
    if len(marks) > PATTERN_MARKS:
        return []
    certainty = (0.6 + 0.4 * min(1, smooth_share * 1.2)) * (0.6 if len(marks) > 15 else 1)
    marks.sort(key=lambda mark: -mark.strength)
    return [_with_confidence(mark, certainty) for mark in marks[:MOST_MARKS]]


def _with_confidence(mark: Mark, certainty: float) -> Mark:
    confidence = min(0.5, 0.20 + 0.015 * mark.strength) * certainty
    return Mark(mark.kind, mark.strength, round(confidence, 2), mark.box)


def _relief(rgb: Pixels, core: Plane) -> _Relief:
    lightness = gaussian(to_lab(rgb)[..., 0], 0.8)
    kernel = min(255, int(max(9, 0.016 * max(core.shape))) | 1)
    bytes_ = np.clip(lightness * 2.55, 0, 255).astype(np.uint8)  # the median needs 8 bits
    median = cv2.medianBlur(bytes_, kernel).astype(np.float32) / 2.55
    residual = np.abs(lightness - median)
    sigma = 1.4826 * float(np.median(residual[core])) + 0.25
    busy = cv2.blur((residual > 4 * sigma).astype(np.float32), (4 * kernel + 1, 4 * kernel + 1))
    span = cv2.dilate(median, square(7)) - cv2.erode(median, square(7))
    return _Relief(residual, sigma, span, (busy < 0.05) & core)


def _candidates(relief: _Relief, core: Plane) -> Iterator[Mark]:
    hot = (relief.residual > max(5 * relief.sigma, 4.0)) & relief.smooth
    closed = cv2.morphologyEx(hot.astype(np.uint8), cv2.MORPH_CLOSE, square(3))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    for index in range(1, count):
        x, y, w, h, area = (int(value) for value in stats[index])
        if not 5 <= area <= 0.004 * core.sum():
            continue
        window = np.s_[y : y + h, x : x + w]
        inside = labels[window] == index
        residual = float(relief.residual[window][inside].mean())
        # The two sides of a step edge have different levels; those of a mark have the same.
        if float(np.median(relief.span[window][inside])) > max(6.0, 0.8 * residual):
            continue
        kind = _kind(inside, max(core.shape))
        if kind == "scratch" or area <= 0.0012 * core.sum():
            yield Mark(kind, residual / relief.sigma, 0.0, (x, y, w, h))


def _kind(inside: Plane, picture_side: int) -> str:
    points = np.argwhere(inside).astype(np.float32)
    variances = np.linalg.eigvalsh(np.cov(points.T) + np.eye(2) * 0.08)
    minor, major = np.sqrt(np.maximum(1e-3, variances))
    return "scratch" if major / minor > 4 and 3.46 * major > 0.015 * picture_side else "spot"


def _without_mirrored(marks: list[Mark], core: Plane) -> list[Mark]:
    """Seams, buttons and prints come in left-right pairs; damage does not."""
    columns = np.where(core.any(0))[0]
    axis, tolerance = columns[0] + columns[-1], 0.03 * (columns[-1] - columns[0])
    middles = [(mark.box[0] + mark.box[2] / 2, mark.box[1] + mark.box[3] / 2) for mark in marks]

    def paired(index: int) -> bool:
        x, y = middles[index]
        return any(
            abs(other_x - (axis - x)) < tolerance and abs(other_y - y) < tolerance
            for other, (other_x, other_y) in enumerate(middles)
            if other != index
        )

    return [mark for index, mark in enumerate(marks) if not paired(index)]

"""Collar, shoulders, armpits and hem of a flat-lay top, read from its outline."""

from dataclasses import dataclass

import cv2
import numpy as np

from libs.imaging.pixels import Pixels, Plane, square, wide_blur
from libs.imaging.segmentation import Cutout

MOST_CORNERS = 0.05
"""Of the garment's area."""
STEP = 16
"""Every so many pixels of a backdrop tell its colour."""


@dataclass(frozen=True, slots=True)
class Garment:
    """A top cut to its box; lengths in its pixels."""

    rgb: Pixels
    alpha: Plane
    centre: float
    body_width: float
    collar_left: int
    collar_right: int
    collar_y: int
    collar_dip: int
    """Lowest point of the neckline."""
    armpit_y: int
    top: Plane
    """Per column, the outline's highest row; the height where there is none."""

    @property
    def height(self) -> int:
        return len(self.alpha)

    def top_at(self, x: float) -> float:
        return float(self.top[int(np.clip(x, 0, len(self.top) - 1))])

    def outermost(self, side: int, y: float) -> tuple[float, float]:
        """Of the outline in a row; `side` is -1 for the left end."""
        row = int(np.clip(y, 0, self.height - 1))
        columns = np.flatnonzero(self.alpha[row] > 0.5)
        x = columns[0 if side < 0 else -1] if len(columns) else self.centre + side * self.body_width / 2
        return float(x), float(row)

    def cuff(self, side: int) -> tuple[tuple[float, float], tuple[float, float]]:
        """Outer and inner end of a sleeve's cuff; `side` is -1 for the left one."""
        mask = self.alpha > 0.5
        columns = np.flatnonzero(mask.any(0))
        x = int(columns[0] if side < 0 else columns[-1])
        y = int(np.median(np.flatnonzero(mask[:, x])))
        first, last = _central_run(mask[y], x) or (x, x)
        reach = min(last - first, int(0.35 * self.body_width))
        return (float(x), float(y)), (float(x - side * reach), float(y))


def measure_garment(cut: Cutout) -> Garment:
    x, y, width, height = cut.box()
    alpha = _even(_without_backdrop(cut))[y : y + height, x : x + width]
    rgb = cut.rgb[y : y + height, x : x + width]
    mask = cv2.morphologyEx((alpha > 0.5).astype(np.uint8), cv2.MORPH_OPEN, square(3)) > 0
    centre, body_width = _trunk(mask)
    top = np.where(mask.any(0), mask.argmax(0), height)
    left, right = _collar(top, centre, body_width)
    between = top[max(0, int(centre - 0.22 * body_width)) : int(centre + 0.22 * body_width) + 1]
    neckline = between[between < 0.35 * height]
    return Garment(
        rgb=rgb,
        alpha=alpha,
        centre=centre,
        body_width=body_width,
        collar_left=left,
        collar_right=right,
        collar_y=int(min(top[left], top[right])),
        collar_dip=int(neckline.max()) if len(neckline) else 0,
        armpit_y=_armpit(mask, centre, body_width),
        top=top,
    )


def _without_backdrop(cut: Cutout) -> Plane:
    """Alpha without the backdrop's shadowed corners, as under the arms; all of it where the cloth looks the same."""
    outside = cut.alpha < 0.05
    if cut.background_rgb is None or not outside.any():
        return cut.alpha
    backdrop = np.median(cut.rgb[outside][::STEP], 0).astype(np.float32) + 1
    light = cut.rgb @ (backdrop / (backdrop @ backdrop))
    off = np.abs(cut.rgb - light[..., None] * backdrop).max(-1) / backdrop.max()
    alike = ~outside & (light > 0.5) & (light < 1.03) & (off < 0.06)
    _, parts = cv2.connectedComponents((alike | outside).astype(np.uint8))
    corners = alike & np.isin(parts, np.unique(parts[outside]))
    if corners.sum() > MOST_CORNERS * (cut.alpha > 0.5).sum():
        return cut.alpha
    grown = cv2.dilate(corners.astype(np.uint8), square(1 + 2 * round(0.002 * max(corners.shape))))
    return np.asarray(np.where(grown > 0, 0, cut.alpha), dtype=cut.alpha.dtype)


def _even(alpha: Plane) -> Plane:
    """Cloth has no hair: what looks like it is a weak contrast with the backdrop."""
    return np.clip((wide_blur(alpha, 0.003 * max(alpha.shape)) - 0.5) / 0.35, 0, 1)


def _trunk(mask: Plane) -> tuple[float, float]:
    """Centre line and width between the sleeves, which may hang down beside it."""
    height, width = mask.shape
    columns = np.where(mask[int(height * 0.3) : int(height * 0.6)])[1]
    guess = float(np.median(columns)) if len(columns) else width / 2
    runs = [_central_run(mask[int(height * share)], guess) for share in np.linspace(0.70, 0.93, 14)]
    found = np.array([run for run in runs if run])
    if not len(found):
        return guess, width * 0.6
    return float(np.median(found.mean(1))), float(np.median(found[:, 1] - found[:, 0]))


def _central_run(row: Plane, centre: float) -> tuple[int, int] | None:
    """First and last column of the run that holds the centre line or lies nearest to it."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(np.int8), [0]]))).reshape(-1, 2)
    if not len(edges):
        return None
    starts, ends = edges[:, 0], edges[:, 1] - 1
    nearest = int(np.argmin(np.maximum(0, np.maximum(starts - centre, centre - ends))))
    return int(starts[nearest]), int(ends[nearest])


def _collar(top: Plane, centre: float, body_width: float) -> tuple[int, int]:
    """The highest points left and right of the centre line, the innermost if they are level."""
    middle, reach = int(centre), int(0.5 * body_width)
    first = max(0, middle - reach)
    left, right = top[first:middle], top[middle : middle + reach]
    if not len(left) or not len(right):
        return int(centre - 0.15 * body_width), int(centre + 0.15 * body_width)
    return first + len(left) - 1 - int(np.argmin(left[::-1])), middle + int(np.argmin(right))


def _armpit(mask: Plane, centre: float, body_width: float) -> int:
    """From the hem up, the first row where a sleeve joins the trunk."""
    height = len(mask)
    for y in range(int(height * 0.80), int(height * 0.10), -1):
        run = _central_run(mask[y], centre)
        if run and run[1] - run[0] > 1.14 * body_width:
            return y
    return int(height * 0.42)

"""A person's proportions from the face and the silhouette."""

from dataclasses import dataclass

import cv2
import numpy as np

from libs.imaging.faces import Face
from libs.imaging.grab_cut import BACKGROUND, FOREGROUND, MAYBE_BACKGROUND, MAYBE_FOREGROUND
from libs.imaging.photos import Photo
from libs.imaging.pixels import Plane
from libs.imaging.segmentation import Cutout

SHOULDER = 0.86
"""Where a shoulder's end is, as a share of the half width."""


@dataclass(frozen=True, slots=True)
class Body:
    """In pixels of the photo."""

    face: Face
    neck_y: float
    """Where the neck goes over into the shoulders, which is where a collar lies."""
    torso_y: float
    """Where the silhouette opens from the neck."""
    shoulders_y: tuple[float, float]
    """Of their ends, the left one in the picture first."""
    half_width: float
    """Over both upper arms."""


def _silhouette_prior(shape: tuple[int, ...], face: Face) -> Plane:
    """GrabCut's labels: head and torso of usual proportions, background beside and above the head."""
    height, width = shape[:2]
    x, chin, w, h = face.centre, face.chin, face.width, face.height
    prior = np.full((height, width), MAYBE_BACKGROUND, np.uint8)
    shoulder = chin + 0.75 * h
    torso = [(0.45, chin), (1.55, shoulder), (1.70, height)]
    _fill_mirrored(prior, x, [(share * w, y) for share, y in torso], MAYBE_FOREGROUND)
    _fill_ellipse(prior, (x, face.y + 0.42 * h), (0.68 * w, 0.92 * h), MAYBE_FOREGROUND)
    _fill_ellipse(prior, (x, face.y + 0.52 * h), (0.40 * w, 0.50 * h), FOREGROUND)
    core = [(0.18, chin), (0.62, chin + 1.30 * h), (0.72, height)]
    _fill_mirrored(prior, x, [(share * w, y) for share, y in core], FOREGROUND)
    beside = int(chin + 0.1 * h)
    prior[:beside, : max(0, int(x - 1.25 * w))] = BACKGROUND
    prior[:beside, min(width, int(x + 1.25 * w)) :] = BACKGROUND
    prior[: max(0, int(face.y - 0.75 * h))] = BACKGROUND
    return prior


def _fill_mirrored(plane: Plane, x: float, side: list[tuple[float, float]], label: int) -> None:
    """A polygon from its right side, given as distances from the axis."""
    right = [(x + distance, y) for distance, y in side]
    left = [(x - distance, y) for distance, y in reversed(side)]
    cv2.fillPoly(plane, [np.array(right + left, np.int32)], int(label))


def _fill_ellipse(plane: Plane, centre: tuple[float, float], radii: tuple[float, float], label: int) -> None:
    x, y, across, down = (int(value) for value in (*centre, *radii))
    cv2.ellipse(plane, (x, y), (across, down), 0, 0, 360, int(label), -1)


def cut_out_person(person: Photo, face: Face) -> Cutout:
    return person.cut_out(_silhouette_prior(person.rgb.shape, face))


def measure_body(mask: Plane, face: Face) -> Body:
    """`mask` is the silhouette; it counts as far as people are built like that, and clothes and arms hide much."""
    h = face.height
    neck_y = face.chin + 0.29 * h
    torso_y = float(np.clip(_opening(mask, face), face.chin + 0.12 * h, face.chin + 0.62 * h))
    half_width = _half_width(mask, face, torso_y)
    tops = (_top_of_silhouette(mask, face, side * SHOULDER * half_width, torso_y) for side in (-1, 1))
    left, right = (float(np.clip(top, neck_y + 0.22 * h, neck_y + 0.52 * h)) for top in tops)
    return Body(face, neck_y, torso_y, (left, right), half_width)


def _opening(mask: Plane, face: Face) -> float:
    """First row below the chin that is wider than a neck and a head."""
    height, width = mask.shape
    left, right = max(0, int(face.centre - 2.2 * face.width)), min(width, int(face.centre + 2.2 * face.width))
    rows = mask[int(face.chin) : int(min(height - 1, face.chin + 0.9 * face.height)), left:right]
    wide = np.flatnonzero(rows.sum(1) > 1.75 * face.width)
    return face.chin + (float(wide[0]) if len(wide) else 0.5 * face.height)


def _half_width(mask: Plane, face: Face, torso_y: float) -> float:
    """Median over a few rows below the shoulders, within plausible proportions."""
    halves = []
    for share in (0.55, 0.80, 1.05):
        row = int(torso_y + share * face.height)
        columns = np.flatnonzero(mask[min(row, len(mask) - 1)])
        if len(columns) and row < len(mask) - 2:
            halves += [face.centre - columns[0], columns[-1] - face.centre]
    usual = np.median(halves) if halves else 1.6 * face.width
    return float(np.clip(usual, 1.5 * face.width, 1.65 * face.width))


def _top_of_silhouette(mask: Plane, face: Face, distance: float, otherwise: float) -> float:
    """Below the chin, in the column that is so far to the right of the axis."""
    column = int(np.clip(face.centre + distance, 0, mask.shape[1] - 1))
    rows = np.flatnonzero(mask[int(face.chin) :, column])
    return face.chin + float(rows[0]) if len(rows) else otherwise

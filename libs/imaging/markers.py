"""Printed ArUco markers (4x4_50) in a photo: a ruler in their plane, and no part of the product beside them."""

from dataclasses import dataclass

import cv2
import numpy as np

from libs.imaging.pixels import Pixels, Plane, dilate, norm, shrink, square, to_lab

DICTIONARY = cv2.aruco.DICT_4X4_50
MODULES = 6
"""Of a side, with the black frame."""
QUIET = 1
"""White modules around a marker, without which readers miss it."""
SEARCHED_SIDE = 1024  # a marker that nobody finds there is too small to be taken for a product
LEAST_CONTRAST = 40  # of 255, between frame and quiet zone
PAPER_DISTANCE = 5  # Lab
REACH = 3
"""As many sides of the marker, all in all, may its piece of paper have."""


@dataclass(frozen=True, slots=True)
class Scale:
    pixels_per_mm: float
    straightness: float
    """1 for a marker seen straight on, less when tilted."""


def marker_scale(rgb: Pixels, side_mm: float) -> Scale | None:
    """From a marker of known side; it holds in the marker's plane only."""
    found = find_markers(rgb)
    if not found:
        return None
    points = found[0]
    sides = np.linalg.norm(points - np.roll(points, 1, 0), axis=1)
    # Corners are the centres of black pixels: half a pixel at either end is missing.
    return Scale(float((sides.mean() + 1) / side_mm), float(sides.min() / sides.max()))


def find_markers(rgb: Pixels) -> list[Plane]:
    """The corners of each, 4×2; without a white quiet zone it is a pattern that happens to look like one."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(DICTIONARY))
    corners, ids, _ = detector.detectMarkers(grey)
    return [] if ids is None else [quad[0] for quad in corners if _has_quiet_zone(grey, quad[0])]


def _has_quiet_zone(grey: Plane, quad: Plane) -> bool:
    frame, quiet = (grey[_band(grey.shape, quad, *modules)] for modules in ((-0.7, -0.3), (0.3, 0.7)))
    if not len(frame) or not len(quiet):
        return False
    return float(np.percentile(quiet, 10)) > float(np.percentile(frame, 90)) + LEAST_CONTRAST


def without_markers(rgb: Pixels, longest_side: int) -> Pixels:
    """`rgb` shrunk, and markers with their paper painted over in the colour around them.

    Whatever is around them: a marker on the product becomes product, one beside it backdrop.
    """
    searched = shrink(rgb, SEARCHED_SIDE)
    small = shrink(rgb, longest_side, least_side=16)
    scale = np.array(small.shape[1::-1]) / searched.shape[1::-1]
    for quad in find_markers(searched):
        paper = _paper(small, quad * scale)
        around = dilate(paper, square(9)) & ~dilate(paper, square(3))
        small = np.where(paper[..., None], np.median(small[around], 0).astype(np.uint8), small)
    return small


def _paper(rgb: Pixels, quad: Plane) -> Plane:
    """The marker, its quiet zone, and what was left around it when it was cut out."""
    zone = _filled(rgb.shape, quad, QUIET + 0.5)
    reach = _filled(rgb.shape, quad, (REACH - 1) * MODULES / 2)
    colour = np.median(rgb[_band(rgb.shape, quad, 0.3, QUIET - 0.3)], 0)
    alike = norm(to_lab(rgb) - to_lab(colour.astype(np.uint8)[None, None])) < PAPER_DISTANCE
    _, parts = cv2.connectedComponents((alike | zone).astype(np.uint8))
    paper = parts == parts[zone][0]
    larger = (paper & ~reach).any()  # a sheet as a backdrop, a white product
    return zone if larger else dilate(paper, square(3))


def _band(shape: tuple[int, ...], quad: Plane, inner: float, outer: float) -> Plane:
    """Around the marker's outline; distances in modules, outwards."""
    return _filled(shape, quad, outer) & ~_filled(shape, quad, inner)


def _filled(shape: tuple[int, ...], quad: Plane, modules: float) -> Plane:
    """The marker, widened by so many modules on each side."""
    widened = quad.mean(0) + (quad - quad.mean(0)) * (1 + 2 * modules / MODULES)
    plane = np.zeros(shape[:2], np.uint8)
    cv2.fillConvexPoly(plane, widened.round().astype(np.int32), 1)
    return plane > 0

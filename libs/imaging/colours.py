"""The dominant colours of a product: k-means in Lab over its pixels, shades of one colour merged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from libs.imaging.colour_names import Rgb, ciede2000, css_name, plain_name
from libs.imaging.pixels import Pixels, Plane, lab_of, resize, shrink, to_lab

SAMPLE_SIDE = 300
CLUSTERS = 8
MOST = 6
LEAST_SHARE = 0.015
MERGE_DISTANCE = 9.0
LIGHTNESS_WEIGHT = 0.75  # shading is not a colour


@dataclass(frozen=True, slots=True)
class Colour:
    rgb: Rgb
    name: str
    css_name: str
    css_distance: float
    """CIEDE2000 from the CSS colour."""
    share: float

    @property
    def hex(self) -> str:
        return "#{:02x}{:02x}{:02x}".format(*self.rgb)


@dataclass(frozen=True, slots=True)
class _Group:
    size: int
    lab: npt.NDArray[Any]
    clusters: tuple[int, ...]

    def merged(self, other: "_Group") -> "_Group":
        size = self.size + other.size
        mean = (self.lab * self.size + other.lab * other.size) / size
        return _Group(size, mean, self.clusters + other.clusters)


def dominant(rgb: Pixels, alpha: Plane) -> list[Colour]:
    """Most frequent first. Deterministic."""
    pixels, lab = _sample(rgb, alpha)
    labels, groups = _cluster(pixels, lab)
    groups = sorted(_merge(groups), key=lambda group: -group.size)
    total = sum(group.size for group in groups)
    colours = []
    for group in groups[:MOST]:
        if group.size / total >= LEAST_SHARE:
            median = np.median(pixels[np.isin(labels, group.clusters)], axis=0)
            colours.append(_colour(median, group.size / total))
    return colours


def merge_lists(lists: Sequence[tuple[Sequence[Colour], float]]) -> list[Colour]:
    """The colours of several photos of one product, each list with its weight; shares add up as before."""
    total = sum(weight for _, weight in lists)
    merged: list[Colour] = []
    for colours, weight in lists:
        for colour in colours:
            share = colour.share * weight / total if total else colour.share / len(lists)
            known = next((index for index, other in enumerate(merged) if _alike(other, colour)), None)
            if known is None:
                merged.append(replace(colour, share=share))
            else:
                merged[known] = replace(merged[known], share=merged[known].share + share)
    merged.sort(key=lambda colour: -colour.share)
    kept = [colour for colour in merged[:MOST] if colour.share >= LEAST_SHARE]
    return [replace(colour, share=round(colour.share, 3)) for colour in kept]


def _alike(first: Colour, second: Colour) -> bool:
    one, other = lab_of([first.rgb, second.rgb])
    return _shade_distance(one, other) <= MERGE_DISTANCE


def _colour(rgb: npt.NDArray[Any], share: float) -> Colour:
    red, green, blue = (int(value) for value in rgb)
    colour = (red, green, blue)
    css, distance = css_name(colour)
    return Colour(colour, plain_name(colour), css, round(distance, 1), round(share, 3))


def _sample(rgb: Pixels, alpha: Plane) -> tuple[Pixels, Pixels]:
    mask = alpha > 0.9
    if mask.sum() < 50:
        mask = alpha > 0.3
    small = shrink(rgb, SAMPLE_SIDE)
    inside = resize(mask.astype(np.uint8), small, cv2.INTER_NEAREST) > 0
    if not inside.any():
        inside[:] = True
    return small[inside], to_lab(small)[inside]


def _cluster(pixels: Pixels, lab: Pixels) -> tuple[npt.NDArray[Any], list[_Group]]:
    weights = np.array([LIGHTNESS_WEIGHT, 1, 1], np.float32)
    count = min(CLUSTERS, len(np.unique(pixels, axis=0)))
    cv2.setRNGSeed(3)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 40, 0.2)
    _, best, centres = cv2.kmeans(lab * weights, count, np.empty(0), criteria, 3, cv2.KMEANS_PP_CENTERS)
    labels = best.ravel()
    sizes = np.bincount(labels, minlength=count)
    return labels, [_Group(int(sizes[i]), centres[i] / weights, (i,)) for i in range(count) if sizes[i]]


def _merge(groups: list[_Group]) -> list[_Group]:
    while len(groups) > 1:
        distance, first, second = min(
            ((_shade_distance(a.lab, b.lab), a, b) for a, b in combinations(groups, 2)),
            key=lambda pair: pair[0],
        )
        if distance > MERGE_DISTANCE:
            break
        groups = [group for group in groups if group is not first and group is not second]
        groups.append(first.merged(second))
    return groups


def _shade_distance(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> float:
    """CIEDE2000, less for shades of the same hue."""
    distance = float(ciede2000(first, second))
    (l1, a1, b1), (l2, a2, b2) = first, second
    turn = abs((np.degrees(np.arctan2(b1, a1) - np.arctan2(b2, a2)) + 180) % 360 - 180)
    coloured = np.hypot(a1, b1) > 12 and np.hypot(a2, b2) > 12
    return distance * 0.62 if coloured and turn < 14 and abs(l1 - l2) < 22 else distance

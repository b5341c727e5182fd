"""Repairs of a foreground mask."""

import cv2
import numpy as np

from libs.imaging.pixels import Plane, disc


def around(mask: Plane, padding: int) -> tuple[slice, slice]:
    """Rows and columns of the mask's bounding box, widened."""
    rows, columns = np.where(mask.any(1))[0], np.where(mask.any(0))[0]
    return (
        slice(max(0, rows[0] - padding), rows[-1] + padding),
        slice(max(0, columns[0] - padding), columns[-1] + padding),
    )


def bridge_stripes(mask: Plane, distance: Plane) -> Plane:
    """Gives back thin backdrop-coloured stripes of the product (white on white) if they differ at all."""
    radius = max(3, int(0.022 * max(mask.shape)))
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), radius, radius, radius, radius, cv2.BORDER_CONSTANT)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, disc(radius))[radius:-radius, radius:-radius] > 0
    gaps, labels, stats, _ = cv2.connectedComponentsWithStats(
        (closed & ~mask).astype(np.uint8), connectivity=4
    )
    bridged = mask.copy()
    for gap in range(1, gaps):
        if stats[gap, cv2.CC_STAT_AREA] > 12 and np.median(distance[labels == gap]) > 0.9:
            bridged |= labels == gap
    return bridged


def tidy(mask: Plane, backdrop_distance: Plane | None) -> Plane:
    """Drops specks and side objects, fills holes unless they show the backdrop. Returns uint8 0 and 1."""
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, disc(max(1, int(min(mask.shape) / 220))))
    return _fill_holes(_keep_central(opened), backdrop_distance)


def _keep_central(mask: Plane, share_of_best: float = 0.12) -> Plane:
    height, width = mask.shape
    parts, labels, stats, centroids = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if parts == 1:
        return mask
    offset = (centroids[1:] - (width / 2, height / 2)) / (width, height)
    score = stats[1:, cv2.CC_STAT_AREA] * np.exp(-2 * (offset**2).sum(1))
    keep = 1 + np.flatnonzero(score >= share_of_best * score.max())
    return np.isin(labels, keep).astype(np.uint8)


def _fill_holes(mask: Plane, backdrop_distance: Plane | None) -> Plane:
    height, width = mask.shape
    holes, labels, stats, _ = cv2.connectedComponentsWithStats(1 - mask, connectivity=4)
    for hole in range(1, holes):
        x, y, w, h, area = stats[hole]
        if x == 0 or y == 0 or x + w == width or y + h == height:
            continue
        inside = labels == hole
        see_through = (
            backdrop_distance is not None
            and area > 0.0006 * height * width
            and np.median(backdrop_distance[inside]) < 1.6
        )
        if not see_through:
            mask[inside] = 1
    return mask

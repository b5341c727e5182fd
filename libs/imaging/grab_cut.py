"""GrabCut (Rother 2004) in two scales, on trimaps of OpenCV's four labels."""

import cv2
import numpy as np

from libs.imaging.masks import around
from libs.imaging.pixels import Pixels, Plane, dilate, erode, resize, shrink, square

BACKGROUND, FOREGROUND = cv2.GC_BGD, cv2.GC_FGD
MAYBE_BACKGROUND, MAYBE_FOREGROUND = cv2.GC_PR_BGD, cv2.GC_PR_FGD
ITERATIONS = 5


def is_foreground(trimap: Plane) -> Plane:
    return np.asarray((trimap == FOREGROUND) | (trimap == MAYBE_FOREGROUND))


def ensure_both(trimap: Plane, ring: Plane) -> bool:
    """GrabCut fails without at least one pixel of each kind; False if the foreground had to be assumed."""
    found = bool(is_foreground(trimap).any())
    if not found:
        height, width = trimap.shape
        trimap[height // 4 : 3 * height // 4, width // 4 : 3 * width // 4] = MAYBE_FOREGROUND
    if is_foreground(trimap).all():
        trimap[ring] = BACKGROUND
    return found


def grab_cut(rgb: Pixels, trimap: Plane, coarse_side: int) -> Plane:
    """A coarse run decides globally; one iteration at working size then refines a narrow band of it."""
    cv2.setRNGSeed(11)
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    small = shrink(bgr, coarse_side, least_side=8)
    if small is bgr:
        return _run(bgr, trimap, ITERATIONS)
    coarse = _run(small, resize(trimap, small, cv2.INTER_NEAREST), ITERATIONS)
    rough = resize(is_foreground(coarse).astype(np.uint8) * 255, trimap) > 127
    band = square(2 * max(3, round(2.2 * max(trimap.shape) / coarse_side)) + 1)
    inside, outside = erode(rough, band), ~dilate(rough, band)
    fine = np.where(rough, MAYBE_FOREGROUND, MAYBE_BACKGROUND).astype(np.uint8)
    fine[inside], fine[outside] = FOREGROUND, BACKGROUND
    fine[(trimap == BACKGROUND) & ~inside] = BACKGROUND
    fine[(trimap == FOREGROUND) & ~outside] = FOREGROUND
    if outside.all():
        return trimap
    area = around(~outside, 12)
    if is_foreground(fine[area]).any() and not is_foreground(fine[area]).all():
        fine[area] = _run(np.ascontiguousarray(bgr[area]), fine[area].copy(), 1)
    return fine


def _run(bgr: Pixels, trimap: Plane, iterations: int) -> Plane:
    background_model, foreground_model = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(
        bgr, trimap, (0, 0, 0, 0), background_model, foreground_model, iterations, cv2.GC_INIT_WITH_MASK
    )
    return trimap

"""Light for dark scenes: a pool on the floor and a glow behind, and a rim on a product that would sink into them."""

from dataclasses import dataclass

import cv2
import numpy as np

from libs.imaging.pixels import Pixels, Plane, gaussian
from libs.providers.local.framing import Frame

DARK, NOT_DARK = 62.0, 110.0
"""Mean levels of the strongest channel around a product: below the first it is dark, above the second it is not."""
POOL, GLOW = (0.6, 17.0), (0.4, 10.0)
"""Of the light on the floor and on the wall: a factor, so that a surface keeps its pattern, and levels of its own."""
RIM_LIGHT = (206.0, 216.0, 232.0)
RIM_WIDTH = 0.011
"""Of the product's longer side."""
CLOSE, APART = 35.0, 85.0
"""Levels between a product's edge and what is behind it: closer than the first it has the whole rim."""
REDUCTION = 8  # all of it is soft


@dataclass(frozen=True, slots=True)
class Darkness:
    """0 to 1, of the backdrop behind the product and of the floor below it."""

    behind: float
    below: float

    @property
    def most(self) -> float:
        return max(self.behind, self.below)


def darkness(image: Pixels, view: Frame) -> Darkness:
    margin = view.product_width // 4
    left, right = max(0, view.left - margin), view.left + view.product_width + margin
    near = view.product_height // 6
    behind = image[max(0, view.top) : max(1, view.base - near) : 4, left:right:4]
    below = image[max(0, view.base - near) : view.base + near : 4, left:right:4]
    return Darkness(_darkness(behind), _darkness(below))


def _darkness(part: Pixels) -> float:
    return float(np.clip((NOT_DARK - part.max(-1).mean()) / (NOT_DARK - DARK), 0, 1)) if part.size else 0.0


def light_up(image: Pixels, view: Frame, dark: Darkness, lying: bool) -> None:
    """So that a shadow has something to fall on, and an outline something to stand before."""
    height, width = max(1, view.height // REDUCTION), max(1, view.width // REDUCTION)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) * REDUCTION
    reach_x, reach_y = max(view.product_width, 0.4 * view.width), max(view.product_height, 0.4 * view.height)
    middle = view.top + 0.5 * view.product_height
    across = ((x - view.centre) / (0.85 * reach_x)) ** 2
    glow = np.exp(-across - ((y - middle) / (0.75 * reach_y)) ** 2) * dark.behind
    pool = np.exp(-across - ((y - view.base) / (0.30 * reach_y)) ** 2) * dark.below
    factor = GLOW[0] * glow + (0 if lying else POOL[0] * pool)
    own = GLOW[1] * glow + (0 if lying else POOL[1] * pool)
    size = (view.width, view.height)
    image *= 1 + cv2.resize(factor, size, interpolation=cv2.INTER_LINEAR)[..., None]
    image += cv2.resize(own, size, interpolation=cv2.INTER_LINEAR)[..., None]


def rim_light(rgb: Pixels, alpha: Plane, around: Pixels, strength: float) -> None:
    """Gives the product light from behind along its sides and top, as much as its edge is like what is `around`."""
    width = max(1.2, RIM_WIDTH * max(alpha.shape))
    soft = gaussian(alpha, width)
    band = np.clip((1 - soft) * 2, 0, 1) ** 1.4 * alpha
    down = cv2.Sobel(soft, cv2.CV_32F, 0, 1)
    facing_down = np.clip(-down / (np.abs(cv2.Sobel(soft, cv2.CV_32F, 1, 0)) + np.abs(down) + 1e-4), 0, 1)
    likeness = np.clip((APART - _difference(rgb, alpha, around, 2 * width)) / (APART - CLOSE), 0, 1)
    rim = band * (1 - facing_down) * likeness * strength * 0.72
    for channel, level in enumerate(RIM_LIGHT):  # one by one: a copy of all three is large
        rgb[..., channel] += np.maximum(level - rgb[..., channel], 0) * rim


def _difference(rgb: Pixels, alpha: Plane, around: Pixels, reach: float) -> Plane:
    """Between the product and what is behind it, near every pixel."""
    height, width = alpha.shape
    size = max(1, width // 4), max(1, height // 4)
    cover, product, behind = (
        cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in (alpha, rgb, around)
    )
    inside = gaussian(cover, reach / 4)
    own = gaussian(product * cover[..., None], reach / 4) / np.maximum(inside, 0.02)[..., None]
    difference = np.abs(own - gaussian(behind, reach / 4)).max(-1)
    return np.asarray(cv2.resize(difference, (width, height), interpolation=cv2.INTER_LINEAR))

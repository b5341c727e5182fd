"""Where the product stands in the picture, and how large."""

from dataclasses import dataclass

import numpy as np

from libs.imaging.pixels import Plane
from libs.providers.base import AspectRatio, Resolution
from libs.providers.local.prompt import Plan

SIDES: dict[Resolution, int] = {"1K": 1024, "2K": 2048, "4K": 4096}
HEADROOM = 0.04
MARGIN = 0.06
"""Beside a product that stands at the side."""
PODIUM_RIM = 0.17
"""How far a podium reaches beyond its product, in widths of the product."""

FRAMINGS = (
    # scale, place, floor
    (1.0, 0.0, 0.0),
    (1.16, 0.0, 0.03),
    (0.84, 0.34, 0.0),
    (0.80, -0.34, -0.02),
    (1.3, -0.12, 0.05),
    (0.7, 0.0, -0.05),
)
"""The pictures of one request differ: that of index n takes the nth, again and again."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture of `width`×`height` with the product's box inside, all in pixels."""

    width: int
    height: int
    left: int
    top: int
    product_width: int
    product_height: int
    base: int
    """The line the product stands on, or would without floating."""
    floor_y: float
    """Where the floor is painted, as a share of the height."""
    scale: float
    """Of the photo's pixels."""

    @property
    def centre(self) -> int:
        return self.left + self.product_width // 2

    def canvas(self, plane: Plane, right: int = 0, down: int = 0) -> Plane:
        """A plane of the product's size where the product stands, moved, on an empty picture."""
        canvas = np.zeros((self.height, self.width), np.float32)
        left, top = self.left + right, self.top + down
        start_x, start_y = max(0, -left), max(0, -top)
        end_x, end_y = min(plane.shape[1], self.width - left), min(plane.shape[0], self.height - top)
        if end_x > start_x and end_y > start_y:
            canvas[top + start_y : top + end_y, left + start_x : left + end_x] = plane[
                start_y:end_y, start_x:end_x
            ]
        return canvas


def picture_size(ratio: AspectRatio, resolution: Resolution) -> tuple[int, int]:
    """Width and height, even; every ratio has the same area, as with the hosted models: 1K is a megapixel."""
    across, down = (int(side) for side in ratio.split(":"))
    unit = SIDES[resolution] / (across * down) ** 0.5
    return round(across * unit / 2) * 2, round(down * unit / 2) * 2


def frame(
    plan: Plan, size: tuple[int, int], product: tuple[int, int], index: int, rng: np.random.Generator
) -> Frame:
    """`size` and `product` are width and height; the product's are those of its cut-out in the photo."""
    width, height = size
    scale, place, lower = FRAMINGS[index % len(FRAMINGS)]
    floor_y = _floor(plan, width, height) + lower
    base = int((floor_y - 0.09 * plan.floating) * height)
    zoom = min(_room(width, height) * np.divide(size, product)) * plan.scale * scale * rng.uniform(0.96, 1.04)
    if plan.view != "top":
        zoom = min(zoom, (base - HEADROOM * height) / product[1])
    product_width, product_height = (max(8, int(side * zoom)) for side in product)
    if plan.view == "top":
        base = int(height / 2 + product_height / 2)
    margin = int(MARGIN * width) + (int(PODIUM_RIM * product_width) if plan.scene == "podium" else 0)
    margin = min(margin, (width - product_width) // 2)
    centre = int(width * (0.5 + (plan.place or place) * 0.5))
    left = max(margin, min(centre - product_width // 2, width - product_width - margin))
    top = base - product_height
    return Frame(width, height, left, top, product_width, product_height, base, floor_y, float(zoom))


def _floor(plan: Plan, width: int, height: int) -> float:
    floor = 0.74 if height > width * 1.15 else 0.80
    return floor - 0.07 if plan.scene == "podium" else floor


def _room(width: int, height: int) -> tuple[float, float]:
    """Shares of width and height that the product may fill."""
    if height > width * 1.15:
        return 0.60, 0.56
    return (0.50, 0.66) if width > height * 1.25 else (0.60, 0.62)

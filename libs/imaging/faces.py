"""The largest frontal, upright face. OpenCV 5 ships neither cascades nor a model; scikit-image has one cascade."""

import functools
from dataclasses import dataclass
from importlib import resources
from typing import Any

import cv2
import numpy as np

from libs.imaging.pixels import Pixels, Plane, shrink

WORKING_SIDE = 480
LEAST_SHARE, LARGEST_SHARE = 0.07, 0.75
"""Of the shorter side."""
SKIN = ((30, 135, 80), (255, 180, 135))
"""Bounds in YCrCb; they hold for light and dark skin, and for some wood and sand."""


@dataclass(frozen=True, slots=True)
class Face:
    """From the eyebrows to the chin, in pixels."""

    x: float
    y: float
    width: float
    height: float
    confidence: float

    @property
    def centre(self) -> float:
        return self.x + self.width / 2

    @property
    def chin(self) -> float:
        return self.y + self.height


def find_face(rgb: Pixels) -> Face | None:
    """Largest, most like skin and highest in the picture; the cascade alone also fires on folds and leaves."""
    small = shrink(rgb, WORKING_SIDE)
    found = _detect(small)
    if not found:
        return None
    skin = cv2.inRange(cv2.cvtColor(small, cv2.COLOR_RGB2YCrCb), *(np.array(bound) for bound in SKIN)) > 0
    shares = [_share(skin, *box) for box in found]
    scores = [_score(box, share, small.shape) for box, share in zip(found, shares, strict=True)]
    best = int(np.argmax(scores))
    confidence = min(0.9, 0.35 + 0.5 * shares[best] + (0.1 if len(found) == 1 else 0.0))
    x, y, width, height = (side * rgb.shape[1] / small.shape[1] for side in found[best])
    return Face(x, y, width, height, round(confidence, 2))


def _detect(rgb: Pixels) -> list[tuple[int, int, int, int]]:
    grey = cv2.createCLAHE(2.0, (8, 8)).apply(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))
    shorter = min(grey.shape)
    least, largest = max(24, int(LEAST_SHARE * shorter)), int(LARGEST_SHARE * shorter)
    if largest < least:
        return []
    found = _cascade().detect_multi_scale(
        img=grey,
        scale_factor=1.15,
        step_ratio=1,
        min_size=(least, least),
        max_size=(largest, largest),
        min_neighbor_number=3,
    )
    return [(face["c"], face["r"], face["width"], face["height"]) for face in found]


@functools.cache
def _cascade() -> Any:
    from skimage.feature import Cascade  # here, because it takes a second

    with resources.as_file(resources.files("skimage") / "data/lbpcascade_frontalface_opencv.xml") as path:
        return Cascade(str(path))


def _share(skin: Plane, x: int, y: int, width: int, height: int) -> float:
    """Of skin in the middle of the face."""
    middle = skin[y + height // 4 : y + 3 * height // 4, x + width // 4 : x + 3 * width // 4]
    return float(middle.mean()) if middle.size else 0.0


def _score(box: tuple[int, int, int, int], skin: float, shape: tuple[int, ...]) -> float:
    _, y, width, height = box
    return width * (0.15 + skin) * (1 - 0.5 * (y + height / 2) / shape[0])

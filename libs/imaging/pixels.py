"""Array types and the few operations every image module needs. Pictures are sRGB, row by row.

Random choices inside OpenCV (k-means, GrabCut) draw from one global generator: seed it before each use.
"""

from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Pixels: TypeAlias = npt.NDArray[Any]
"""H×W×3, uint8 unless said otherwise."""
Plane: TypeAlias = npt.NDArray[Any]
"""H×W: a mask (bool or uint8 0 and 1), alpha or any other value per pixel."""


def to_lab(rgb: Pixels) -> Pixels:
    """uint8 to float32 CIE Lab: L 0 to 100, a and b about ±128."""
    return cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def lab_of(colours: npt.ArrayLike) -> Plane:
    """N×3 RGB colours, 0 to 255, as N×3 Lab."""
    return np.asarray(to_lab(np.asarray(colours, np.uint8).reshape(1, -1, 3))[0])


def shrink(image: npt.NDArray[Any], longest_side: int, least_side: int = 1) -> npt.NDArray[Any]:
    """Area-averaged so that no side is longer than `longest_side`; never enlarged."""
    height, width = image.shape[:2]
    scale = longest_side / max(height, width)
    if scale >= 1:
        return image
    size = (max(least_side, round(width * scale)), max(least_side, round(height * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def resize(
    image: npt.NDArray[Any], like: npt.NDArray[Any], interpolation: int = cv2.INTER_LINEAR
) -> npt.NDArray[Any]:
    """To the height and width of `like`."""
    return cv2.resize(image, (like.shape[1], like.shape[0]), interpolation=interpolation)


def gaussian(image: npt.NDArray[Any], sigma: float) -> npt.NDArray[Any]:
    return cv2.GaussianBlur(image, (0, 0), sigma)


def wide_blur(image: npt.NDArray[Any], sigma: float, sigma_y: float | None = None) -> npt.NDArray[Any]:
    """Gaussian whose cost does not grow with sigma: it blurs a reduced copy."""
    vertical = sigma_y or sigma
    factor = int(max(1, min(sigma, vertical) // 3))
    if factor == 1:
        return cv2.GaussianBlur(image, (0, 0), sigmaX=sigma, sigmaY=vertical)
    height, width = image.shape[:2]
    small = cv2.resize(
        image, (max(2, width // factor), max(2, height // factor)), interpolation=cv2.INTER_AREA
    )
    small = cv2.GaussianBlur(small, (0, 0), sigmaX=sigma / factor, sigmaY=vertical / factor)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def to_bytes(image: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """float 0 to 255 to uint8, rounded; `image` is used up, because a copy of a large one is a lot."""
    image += 0.5
    return np.asarray(np.clip(image, 0, 255, out=image).astype(np.uint8))


def box_mean(image: npt.NDArray[Any], radius: int) -> npt.NDArray[Any]:
    return cv2.blur(image, (2 * radius + 1, 2 * radius + 1), borderType=cv2.BORDER_REFLECT)


def disc(radius: int) -> Plane:
    """Round structuring element."""
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))


def square(side: int) -> Plane:
    """Square structuring element."""
    return np.ones((side, side), np.uint8)


def erode(mask: Plane, element: Plane) -> Plane:
    return np.asarray(cv2.erode(mask.astype(np.uint8), element) > 0)


def dilate(mask: Plane, element: Plane) -> Plane:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), element) > 0)


def norm(vectors: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Length along the last axis."""
    return np.asarray(np.linalg.norm(vectors, axis=-1))

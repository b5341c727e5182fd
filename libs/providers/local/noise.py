"""Tileable noise by seed, and small colour arithmetic, for everything that is painted."""

import functools
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from libs.imaging.pixels import Pixels, Plane

Tone: TypeAlias = tuple[int, int, int] | npt.NDArray[Any]
"""An RGB colour, 0 to 255."""

TILE_SIDE = 512


def colour(tone: Tone) -> npt.NDArray[Any]:
    return np.asarray(tone, np.float32)


def mix(
    first: npt.NDArray[Any], second: npt.NDArray[Any], share: npt.NDArray[Any] | float
) -> npt.NDArray[Any]:
    """`share` of the second, the rest of the first."""
    return np.asarray(first + (second - first) * share)


def grid(width: int, height: int) -> tuple[Plane, Plane]:
    """x and y of every pixel, 0 to 1."""
    x, y = np.meshgrid(
        np.linspace(0, 1, width, dtype=np.float32), np.linspace(0, 1, height, dtype=np.float32)
    )
    return x, y


@functools.lru_cache(maxsize=24)
def _tile(seed: int, smoothness: float) -> Plane:
    """White noise shaped in the Fourier domain: -1 to 1 (a little more at its peaks), periodic."""
    white = np.random.default_rng(seed).standard_normal((TILE_SIDE, TILE_SIDE))
    frequencies = np.fft.fftfreq(TILE_SIDE)
    distance = np.hypot(frequencies[:, None], frequencies[None]) * TILE_SIDE
    distance[0, 0] = 1e9
    shaped = np.real(np.fft.ifft2(np.fft.fft2(white) / distance**smoothness)).astype(np.float32)
    return np.asarray(np.clip(shaped / np.percentile(np.abs(shaped), 99), -1.3, 1.3))


def sample(seed: int, u: npt.NDArray[Any], v: npt.NDArray[Any], smoothness: float = 1.35) -> Plane:
    """Noise at the coordinates, which repeat after 1; larger `smoothness` has fewer details."""
    x, y = ((plane - np.floor(plane)).astype(np.float32) * TILE_SIDE for plane in (u, v))
    return cv2.remap(_tile(seed, smoothness), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)


def scatter(*values: npt.NDArray[Any] | float) -> npt.NDArray[Any]:
    """A value in 0 to 1 that looks random but depends only on the sum of the values."""
    return np.asarray(np.abs(np.modf(np.sin(sum(values)) * 43758.5453)[0]), np.float32)


def draw_seed(rng: np.random.Generator) -> int:
    return int(rng.integers(1 << 20))


def lit(surface: Pixels, light: Plane) -> Pixels:
    return np.asarray(surface * light[..., None])

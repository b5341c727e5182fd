"""Lights out of focus, added in linear light so that overlapping discs glow as in a photo."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from libs.imaging.pixels import Pixels, wide_blur
from libs.providers.local.noise import Tone, colour, mix

GAMMA = 2.2


def paint_bokeh(
    size: tuple[int, int],
    rng: np.random.Generator,
    top: Tone,
    bottom: Tone,
    lights: Sequence[Tone],
    count: int,
    radii: tuple[float, float],
    blur: float,
    glow: float,
) -> Pixels:
    """float32, 0 to 255. `size` is width and height; radii and blur are shares of the height."""
    width, height = size
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    light = _linear(mix(colour(top), colour(bottom), y) * np.ones((1, width, 1), np.float32))
    for _ in range(count):
        tone = _linear(colour(lights[int(rng.integers(len(lights)))])) * rng.uniform(0.25, 1.0) * glow
        radius = int(rng.uniform(*radii) * height)
        centre = int(rng.uniform(-0.05, 1.05) * width), int(rng.beta(1.6, 1.6) * height)
        _add_disc(light, centre, radius, tone)
    light = wide_blur(light, max(0.8, blur * height))
    light = light / (1 + 0.35 * light)
    return np.asarray(np.clip(np.power(light * 1.15, 1 / GAMMA), 0, 1) * 255, np.float32)


def _linear(tone: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.asarray(np.power(np.clip(tone, 0, 255) / 255, GAMMA), np.float32)


def _add_disc(light: Pixels, centre: tuple[int, int], radius: int, tone: npt.NDArray[Any]) -> None:
    """Brighter towards its rim, as a lens draws it."""
    (x, y), reach = centre, radius + 3
    left, right = max(0, x - reach), min(light.shape[1], x + reach)
    top, bottom = max(0, y - reach), min(light.shape[0], y + reach)
    if right <= left or bottom <= top:
        return
    rows, columns = np.mgrid[top:bottom, left:right].astype(np.float32)
    distance = np.hypot(columns - x, rows - y) / max(1, radius)
    disc = np.clip((1 - distance) * radius * 0.35, 0, 1) * (0.62 + 0.38 * np.clip(distance, 0, 1) ** 3)
    light[top:bottom, left:right] += disc[..., None] * tone * 0.5

"""Names for colours: a plain one, as on a shop floor, and the nearest CSS name by CIEDE2000."""

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import webcolors

from libs.imaging.pixels import lab_of

Rgb = tuple[int, int, int]

HUES = (
    (18, "pink-red"),
    (50, "red"),
    (73, "orange"),
    (85, "amber"),
    (104, "yellow"),
    (122, "lime"),
    (165, "green"),
    (203, "teal"),
    (235, "cyan"),
    (262, "sky blue"),
    (297, "blue"),
    (320, "violet"),
    (342, "magenta"),
    (360, "pink"),
)
"""Upper bounds of the Lab hue angle, in degrees."""

GREYS = (
    (16, "black"),
    (32, "charcoal"),
    (48, "dark grey"),
    (68, "grey"),
    (86, "light grey"),
    (95, "off-white"),
    (101, "white"),
)
"""Upper bounds of the Lab lightness."""


def plain_name(rgb: Rgb) -> str:
    """As in "dark blue", "light grey", "brown", "beige"."""
    lightness, a, b = (float(value) for value in lab_of([rgb])[0])
    chroma, hue = float(np.hypot(a, b)), float(np.degrees(np.arctan2(b, a)) % 360)
    if chroma < 4.5 or (chroma < 8 and lightness > 90):
        return _below(GREYS, lightness)
    if lightness < 6:
        return "black"
    return _earth_name(lightness, chroma, hue) or _hue_name(lightness, chroma, hue)


def _below(bounds: tuple[tuple[int, str], ...], value: float) -> str:
    return next(name for bound, name in bounds if value < bound)


def _earth_name(lightness: float, chroma: float, hue: float) -> str | None:
    """Browns and beiges: dark or weak orange and yellow."""
    if not 35 < hue < 105:
        return None
    if lightness < 58 and chroma < 55 and hue < 92:
        return "dark brown" if lightness < 30 else "brown" if lightness < 48 else "light brown"
    if chroma < 26:
        return "taupe" if lightness < 62 else "beige" if lightness < 86 else "cream"
    if hue < 60 and lightness > 78 and chroma < 40:
        return "peach"
    return None


def _hue_name(lightness: float, chroma: float, hue: float) -> str:
    name = next(name for bound, name in HUES if hue <= bound)
    if name in ("red", "orange", "pink-red") and lightness > 72 and chroma < 45:
        name = "pink" if hue < 42 else "peach"
    if name == "pink-red":
        name = "red" if lightness < 50 else "pink"
    if name == "sky blue" and lightness < 62:
        name = "blue"
    if name == "orange" and lightness > 70 and chroma < 58:
        name = "apricot"
    if name == "blue" and lightness < 30:
        return "navy" if chroma > 12 else "dark slate"
    return _qualified(name, lightness, chroma)


def _qualified(name: str, lightness: float, chroma: float) -> str:
    if chroma < 14:
        strength = "dark" if lightness < 38 else "pale" if lightness > 70 else "muted"
        return f"{strength} {name}-grey" if 20 < lightness < 70 else f"{strength} {name}"
    if lightness < 38:
        return f"very dark {name}" if lightness < 22 else f"dark {name}"
    return f"light {name}" if lightness > 78 else name


@functools.cache
def _css_colours() -> tuple[list[str], npt.NDArray[Any]]:
    # Each colour once: "aqua" and "fuchsia" double "cyan" and "magenta", every "grey" a "gray".
    names = [n for n in webcolors.names("css3") if "grey" not in n and n not in ("aqua", "fuchsia")]
    return names, lab_of([tuple(webcolors.name_to_rgb(name)) for name in names])


def css_name(rgb: Rgb) -> tuple[str, float]:
    """The nearest CSS colour and its distance (CIEDE2000)."""
    names, labs = _css_colours()
    distances = ciede2000(np.broadcast_to(lab_of([rgb])[0], labs.shape), labs)
    nearest = int(distances.argmin())
    return names[nearest], float(distances[nearest])


def ciede2000(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Sharma, Wu and Dalal 2005, along the last axis; names are those of the paper."""
    l1, a1, b1 = np.moveaxis(first, -1, 0)
    l2, a2, b2 = np.moveaxis(second, -1, 0)
    c_mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(c_mean**7 / (c_mean**7 + 25.0**7)))
    c1, c2 = np.hypot(a1 * (1 + g), b1), np.hypot(a2 * (1 + g), b2)
    h1 = np.degrees(np.arctan2(b1, a1 * (1 + g))) % 360
    h2 = np.degrees(np.arctan2(b2, a2 * (1 + g))) % 360
    dh, h_mean = _hue_difference(h1, h2, c1 * c2 == 0)
    l_mean, c_mean = (l1 + l2) / 2, (c1 + c2) / 2
    s_l = 1 + 0.015 * (l_mean - 50) ** 2 / np.sqrt(20 + (l_mean - 50) ** 2)
    s_c, s_h = 1 + 0.045 * c_mean, 1 + 0.015 * c_mean * _hue_weight(h_mean)
    x, y = (l2 - l1) / s_l, (c2 - c1) / s_c
    z = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(dh / 2)) / s_h
    theta = 30 * np.exp(-(((h_mean - 275) / 25) ** 2))
    r_t = -np.sin(np.radians(2 * theta)) * 2 * np.sqrt(c_mean**7 / (c_mean**7 + 25.0**7))
    return np.asarray(np.sqrt(np.maximum(0, x * x + y * y + z * z + r_t * y * z)))


def _hue_difference(
    h1: npt.NDArray[Any], h2: npt.NDArray[Any], grey: npt.NDArray[Any]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    difference, far = h2 - h1, np.abs(h1 - h2) > 180
    difference = np.where(far, difference - 360 * np.sign(difference), difference)
    mean = np.where(far, (h1 + h2 + 360) / 2, (h1 + h2) / 2) % 360
    return np.where(grey, 0, difference), np.where(grey, h1 + h2, mean)


def _hue_weight(h: npt.NDArray[Any]) -> npt.NDArray[Any]:
    radians = np.radians
    return np.asarray(
        1
        - 0.17 * np.cos(radians(h - 30))
        + 0.24 * np.cos(radians(2 * h))
        + 0.32 * np.cos(radians(3 * h + 6))
        - 0.20 * np.cos(radians(4 * h - 63))
    )

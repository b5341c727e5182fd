"""Colours of a logo: from words, from a base colour, and dark or light enough for the background."""

import colorsys
from collections.abc import Sequence

import numpy as np
import webcolors

Palette = tuple[str, str, str, str]
"""Three colours of the mark and the ink of the name, as `#rrggbb`."""

DARK, LIGHT_INK = "#14161c", "#f5f4f1"


def towards(colour: str, other: str, share: float) -> str:
    """A mixture, `share` of it the other one."""
    pairs = zip(webcolors.hex_to_rgb(colour), webcolors.hex_to_rgb(other), strict=True)
    return _hex([one + (two - one) * share for one, two in pairs])


def from_colours(colours: Sequence[str], rng: np.random.Generator) -> Palette:
    """`colours` as `#rrggbb`, at least one; relatives of the first one fill up."""
    hue, lightness, saturation = _hls(colours[0])
    mark = list(colours[:3])
    while len(mark) < 3:
        step = len(mark)
        accent = step == 2 and len(colours) == 1  # who names several colours wants no other hue
        shifted = (hue + float(rng.choice([0.08, -0.08, 0.5]))) % 1 if accent else hue
        lighter = min(0.80, lightness + 0.18 * step) if lightness < 0.6 else max(0.25, lightness - 0.2 * step)
        # A grey stays grey: raising its saturation would invent a hue.
        strength = (
            saturation * (0.9 if step == 1 else 0.8) if saturation < 0.1 else max(0.15, saturation * 0.85)
        )
        mark.append(_from_hls(shifted, lighter, strength))
    ink = colours[0] if lightness < 0.42 else _from_hls(hue, 0.16, min(0.35, saturation))
    return mark[0], mark[1], mark[2], ink


def lightened(colour: str, lightness: float, saturation: float = 1.0) -> str:
    """Both are factors."""
    hue, level, strength = _hls(colour)
    return _from_hls(hue, min(0.92, level * lightness), min(1.0, strength * saturation))


def warmed(colour: str, by: float) -> str:
    """Towards orange, or towards blue if negative."""
    red, green, blue = webcolors.hex_to_rgb(colour)
    return _hex((red * (1 + 2 * by), green * (1 + 0.3 * by), blue * (1 - 3 * by)))


def is_dark(background: str) -> bool:
    return background != "transparent" and _luminance(background) < 0.20


def contrast(first: str, second: str) -> float:
    """WCAG's ratio, 1 to 21."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def readable(colour: str, background: str, least: float) -> str:
    """The same hue, as much lighter or darker as the contrast needs; unchanged if transparent."""
    if background == "transparent":
        return colour
    hue, lightness, saturation = _hls(colour)
    step = 0.025 if is_dark(background) else -0.025
    while contrast(colour, background) < least and 0 < lightness + step < 1:
        lightness += step
        colour = _from_hls(hue, lightness, saturation)
    return colour


def _luminance(colour: str) -> float:
    linear = (np.array(webcolors.hex_to_rgb(colour)) / 255) ** 2.2
    return float(linear @ (0.2126, 0.7152, 0.0722))


def _hls(colour: str) -> tuple[float, float, float]:
    red, green, blue = (value / 255 for value in webcolors.hex_to_rgb(colour))
    return colorsys.rgb_to_hls(red, green, blue)


def _from_hls(hue: float, lightness: float, saturation: float) -> str:
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, saturation)
    return _hex((red * 255, green * 255, blue * 255))


def _hex(rgb: Sequence[float]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*(int(min(255, max(0, value))) for value in rgb))

"""Attributes that can be measured; for all others the photo would have to be understood."""

from collections.abc import Callable, Mapping, Sequence

from libs.imaging.colours import dominant
from libs.imaging.pixels import Pixels
from libs.imaging.quality import outline, surface
from libs.imaging.segmentation import Cutout
from libs.providers.specification import Attribute

Measurement = Callable[[Pixels, Cutout], tuple[str | None, float]]
"""The value and its confidence."""


def measure(rgb: Pixels, cut: Cutout, names: Sequence[str]) -> list[Attribute]:
    """One per name, in their order."""
    return [_attribute(name, rgb, cut) for name in names]


def _attribute(name: str, rgb: Pixels, cut: Cutout) -> Attribute:
    measurement = MEASUREMENTS.get(name.lower().replace("colour", "color").strip())
    value, confidence = measurement(rgb, cut) if measurement else (None, 0.0)
    return Attribute(name=name, value=value, confidence=round(confidence, 2) if value else 0.0)


def _main_colour(rgb: Pixels, cut: Cutout) -> tuple[str | None, float]:
    colours = dominant(cut.rgb, cut.alpha)
    return (colours[0].name if colours else None), 0.9 * cut.confidence


def _colours(rgb: Pixels, cut: Cutout) -> tuple[str | None, float]:
    return ", ".join(colour.name for colour in dominant(cut.rgb, cut.alpha)) or None, 0.9 * cut.confidence


def _shape(rgb: Pixels, cut: Cutout) -> tuple[str | None, float]:
    found = outline(cut)
    return (found.kind if found else None), 0.7 * cut.confidence


def _texture(rgb: Pixels, cut: Cutout) -> tuple[str | None, float]:
    found = surface(rgb, cut)
    return (found.texture if found else None), 0.5 * cut.confidence


def _finish(rgb: Pixels, cut: Cutout) -> tuple[str | None, float]:
    found = surface(rgb, cut)
    return (found.gloss if found else None), 0.4 * cut.confidence


MEASUREMENTS: Mapping[str, Measurement] = {
    "color": _main_colour,
    "main color": _main_colour,
    "primary color": _main_colour,
    "colors": _colours,
    "shape": _shape,
    "outline": _shape,
    "texture": _texture,
    "finish": _finish,
    "gloss": _finish,
}

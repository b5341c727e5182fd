"""Attributes that can be measured; for all others the photo would have to be understood."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from libs.imaging.colours import dominant
from libs.imaging.defects import BLURRED, VERY_BLURRED, find_defects
from libs.imaging.pixels import Pixels
from libs.imaging.quality import PhotoMetrics, outline, surface
from libs.imaging.quality import measure as measure_photo
from libs.imaging.segmentation import Cutout
from libs.providers.specification import Attribute

Measurement = Callable[[Pixels, Cutout, PhotoMetrics], tuple[str | None, float]]
"""The value and its confidence."""


def measure(rgb: Pixels, cut: Cutout, names: Sequence[str], size: tuple[int, int]) -> list[Attribute]:
    """One per name, in their order; `size` is the photo's, which `rgb` may be a smaller version of."""
    photo = replace(measure_photo(rgb, cut), width=size[0], height=size[1])
    return [_attribute(name, rgb, cut, photo) for name in names]


def _attribute(name: str, rgb: Pixels, cut: Cutout, photo: PhotoMetrics) -> Attribute:
    measurement = MEASUREMENTS.get(name.lower().replace("colour", "color").strip())
    value, confidence = measurement(rgb, cut, photo) if measurement else (None, 0.0)
    return Attribute(name=name, value=value, confidence=round(confidence, 2) if value else 0.0)


def _main_colour(rgb: Pixels, cut: Cutout, photo: PhotoMetrics) -> tuple[str | None, float]:
    colours = dominant(cut.rgb, cut.alpha)
    return (colours[0].name if colours else None), 0.9 * cut.confidence


def _colours(rgb: Pixels, cut: Cutout, photo: PhotoMetrics) -> tuple[str | None, float]:
    return ", ".join(colour.name for colour in dominant(cut.rgb, cut.alpha)) or None, 0.9 * cut.confidence


def _shape(rgb: Pixels, cut: Cutout, photo: PhotoMetrics) -> tuple[str | None, float]:
    found = outline(cut)
    return (found.kind if found else None), 0.7 * cut.confidence


def _texture(rgb: Pixels, cut: Cutout, photo: PhotoMetrics) -> tuple[str | None, float]:
    found = surface(rgb, cut)
    return (found.texture if found else None), 0.5 * cut.confidence


def _finish(rgb: Pixels, cut: Cutout, photo: PhotoMetrics) -> tuple[str | None, float]:
    found = surface(rgb, cut)
    return (found.gloss if found else None), 0.4 * cut.confidence


def _sharpness(rgb: Pixels, cut: Cutout, photo: PhotoMetrics) -> tuple[str | None, float]:
    blurred = "blurred" if photo.blur > VERY_BLURRED else "slightly blurred"
    return (blurred if photo.blur > BLURRED else "sharp"), 0.8 * cut.confidence


def _resolution(rgb: Pixels, cut: Cutout, photo: PhotoMetrics) -> tuple[str | None, float]:
    return f"{photo.width} x {photo.height} px", 1.0


def _quality(rgb: Pixels, cut: Cutout, photo: PhotoMetrics) -> tuple[str | None, float]:
    """Of the photo: what is wrong with it, or that nothing is."""
    wrong = [defect.kind for defect in find_defects(rgb, cut, photo) if defect.scope == "photo"]
    return ", ".join(dict.fromkeys(wrong)).replace("_", " ") or "good", 0.7 * cut.confidence


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
    "sharpness": _sharpness,
    "quality": _quality,
    "resolution": _resolution,
}

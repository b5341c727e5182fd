"""A specification out of measurements only: what cannot be measured is null with a reason, never guessed."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from libs.imaging.colours import merge_lists
from libs.providers.base import Hints
from libs.providers.local.observation import Observation
from libs.providers.specification import TEMPLATE_VERSION

METHOD = "classical image measurements, no recognition model"
WEIGHTS = {"dimensions": 0.25, "colours": 0.25, "material": 0.2, "features": 0.15, "category": 0.15}
"""What a full specification needs; a section that is missing pulls the overall confidence down."""
REVIEW_BELOW = 0.5
MARKER_ERROR, PERSPECTIVE_ERROR = 0.01, 0.03
OUTLINE_PX = 4  # both ends of a side together
LOOSE_PARTS = 0.5
CODE_CONFIDENCE = 0.9  # they check themselves
PHOTO_KEYS = (
    "width",
    "height",
    "blur",
    "noise_sigma",
    "contrast",
    "clipped_high",
    "clipped_low",
    "product_area",
    "product_box",
)


def build(observations: Sequence[Observation], hints: Hints) -> dict[str, Any]:
    """`product-spec/1` as plain JSON. The primary photo comes first and decides what only one photo can."""
    primary = observations[0]
    colours = _colours(observations)
    sections: dict[str, Any] = {
        "category": {
            "value": None,
            "confidence": 0.0,
            "reason": "the local provider does not recognise objects",
        },
        "dimensions": _dimensions(observations, hints),
        "colours": colours,
        "material": _material(primary),
        "features": _features(observations),
    }
    confidence = {name: sections[name]["confidence"] for name in WEIGHTS}
    leading = colours["items"][0]["name"] if colours["items"] else None
    return {
        "schema": "product-spec/1",
        "template_version": TEMPLATE_VERSION,
        "provider": "local",
        "method": METHOD,
        "title": hints.title or (f"{leading} product" if leading else "product"),
        **sections,
        "codes": [asdict(code) for code in _codes(observations)],
        "photos": [_photo(index, observation) for index, observation in enumerate(observations)],
        "defects": defects(observations),
        "confidence": round(sum(weight * confidence[name] for name, weight in WEIGHTS.items()), 2),
        "needs_review": [name for name in WEIGHTS if confidence[name] < REVIEW_BELOW],
    }


def defects(observations: Sequence[Observation]) -> list[dict[str, Any]]:
    return [
        {"image": index, **asdict(defect)}
        for index, observation in enumerate(observations)
        for defect in observation.defects
    ]


def _dimensions(observations: Sequence[Observation], hints: Hints) -> dict[str, Any]:
    width, height = observations[0].outline_px
    section = _from_marker(observations) or _from_known_size(observations[0], hints)
    return {
        "items": [],
        "outline_px": {"width": round(width), "height": round(height)},
        "ratio": round(width / max(1, height), 2),
        "confidence": 0.0,
        "note": "no scale reference in the photo: give one known size or add a printed marker",
        **(section or {}),
    }


def _from_marker(observations: Sequence[Observation]) -> dict[str, Any] | None:
    measured = next((seen for seen in observations if seen.scale), None)
    if measured is None or measured.scale is None:
        return None
    sides = zip(("width", "height"), measured.outline_px, strict=True)
    error = MARKER_ERROR + (1 - measured.scale.straightness) / 2
    return {
        "items": [
            {
                "axis": axis,
                **_supported(side / measured.scale.pixels_per_mm, error + OUTLINE_PX / side),
                "unit": "mm",
                "basis": "reference_object",
            }
            for axis, side in sides
        ],
        "confidence": round(
            0.85 * measured.cut.confidence * measured.scale.straightness**2 * _wholeness(measured), 2
        ),
        "note": "from the printed marker; holds in the marker's plane only" + _caveat(measured),
    }


def _from_known_size(primary: Observation, hints: Hints) -> dict[str, Any] | None:
    known = hints.known_size
    if known is None:
        return None
    width, height = primary.outline_px
    other, ratio = ("height", height / width) if known.axis == "width" else ("width", width / height)
    return {
        "items": [
            {"axis": known.axis, "value": known.value, "unit": known.unit, "basis": "given"},
            {
                "axis": other,
                **_supported(known.value * ratio, PERSPECTIVE_ERROR + OUTLINE_PX / min(width, height)),
                "unit": known.unit,
                "basis": "estimated",
            },
        ],
        "confidence": round(0.6 * primary.cut.confidence * _wholeness(primary), 2),
        "note": "second side from the outline's ratio; perspective not corrected" + _caveat(primary),
    }


def _supported(value: float, relative_error: float) -> dict[str, float]:
    """To the digit that the error still leaves: 199.83 ± 2.4 is 200 ± 2."""
    error = value * relative_error
    digits = -math.floor(math.log10(error))
    return {"value": round(value, digits), "plus_minus": round(error, digits)}


def _wholeness(seen: Observation) -> float:
    """Loose or stacked parts are measured as one, however they happen to lie."""
    return LOOSE_PARTS if seen.outline and seen.outline.parts > 1 else 1.0


def _caveat(seen: Observation) -> str:
    return f"; around all {seen.outline.parts} parts" if seen.outline and seen.outline.parts > 1 else ""


def _colours(observations: Sequence[Observation]) -> dict[str, Any]:
    """All photos together, each as much as its outline can be trusted."""
    colours = merge_lists([(seen.colours, seen.cut.confidence) for seen in observations])
    casts = [seen.photo.background_cast for seen in observations if seen.photo.background_cast]
    section: dict[str, Any] = {
        "items": [
            {
                "hex": colour.hex,
                "name": colour.name,
                "css_name": colour.css_name,
                "css_delta_e": colour.css_distance,
                "share": colour.share,
            }
            for colour in colours
        ],
        "confidence": round(max(_colour_confidence(seen) for seen in observations), 2),
    }
    if casts and min(casts) > 6:
        section["note"] = f"backdrop cast {min(casts)} Lab units"
    return section


def _colour_confidence(seen: Observation) -> float:
    cast = 1 - min(0.5, (seen.photo.background_cast or 4) / 30)
    return seen.cut.confidence * cast * (1 - min(0.4, seen.photo.clipped_high * 5))


def _material(primary: Observation) -> dict[str, Any]:
    surface = primary.surface
    return {
        "primary": None,
        "surface": surface.gloss if surface else None,
        "texture": surface.texture if surface else None,
        "confidence": 0.3 if surface else 0.0,
        "note": "material cannot be told from colour statistics; surface words are hints",
    }


def _features(observations: Sequence[Observation]) -> dict[str, Any]:
    """`items` go into prompts, so they are what was read; what the outline suggests are `hints` for people."""
    items = [f"{code.kind} code {code.value}" for code in _codes(observations)]
    hints = [*_shape(observations[0]), *_surface(observations[0])]
    return {"items": items, "hints": hints, "confidence": CODE_CONFIDENCE if items else 0.0}


def _shape(seen: Observation) -> Iterable[str]:
    outline = seen.outline
    if not outline or seen.cut.confidence < REVIEW_BELOW:
        return
    yield f"{outline.kind} outline"
    if outline.mirror_symmetry > 0.93:
        yield "outline is left-right symmetric"
    if outline.holes:
        yield f"{outline.holes} see-through {'opening' if outline.holes == 1 else 'openings'} in the outline"
    if outline.parts > 1:
        yield f"{outline.parts} separate parts"


def _surface(seen: Observation) -> Iterable[str]:
    if seen.surface and seen.surface.texture != "smooth":
        direction = ", directional (stripes, grain or ribs)" if seen.surface.directional else ""
        yield f"{seen.surface.texture} surface texture{direction}"


def _codes(observations: Sequence[Observation]) -> list[Any]:
    return list(dict.fromkeys(code for seen in observations for code in seen.codes))


def _photo(index: int, seen: Observation) -> dict[str, Any]:
    metrics = asdict(seen.photo)
    return {
        "image": index,
        **{key: metrics[key] for key in PHOTO_KEYS},
        "segmentation": {
            "confidence": seen.cut.confidence,
            "plain_background": seen.cut.plain_background,
            "warnings": list(seen.cut.warnings),
        },
    }

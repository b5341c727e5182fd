"""What the child processes do; arguments and results are plain data that can be pickled."""

import functools
import hashlib
import io
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pydantic
from PIL import Image

from libs.imaging import metadata
from libs.imaging.decode import inspect
from libs.imaging.faces import find_face
from libs.imaging.metadata import DigitalSource, Mark
from libs.imaging.photos import open_photo
from libs.imaging.pixels import Pixels
from libs.imaging.segmentation import Cutout
from libs.providers.base import Brief, Hints, ImageOut, ImageRequest
from libs.providers.errors import ErrorCode, ProviderError
from libs.providers.local import specification
from libs.providers.local.attributes import measure as measure_attributes
from libs.providers.local.composite import compose
from libs.providers.local.framing import SIDES, picture_size
from libs.providers.local.logo.design import Design
from libs.providers.local.logo.draft import draft, in_words
from libs.providers.local.logo.layout import lay_out
from libs.providers.local.logo.refine import refine
from libs.providers.local.logo.render import rasterise, svg
from libs.providers.local.observation import FORMATS, MEASURED_SIDE, observe
from libs.providers.local.prompt import parse
from libs.providers.local.results import Made, Measured
from libs.providers.local.tryon.body import cut_out_person
from libs.providers.local.tryon.preview import try_on as dress

COMPRESSION = 3  # of PNG: higher levels save little on grain and take twice the time
LARGEST_PHOTO = 4096
LARGEST_PREVIEW = 2048  # larger ones would take gigabytes and show no more
UPPER_BODY = frozenset({None, "auto", "upper_body", "tops"})
"""Slots of garments that can be placed; None is unknown."""


def describe(images: Sequence[bytes], hints: Hints) -> Measured:
    observations = [observe(image, hints.marker_mm) for image in images]
    timings = {
        "segment_ms": round(sum(seen.segment_ms for seen in observations), 1),
        "measure_ms": round(sum(seen.measure_ms for seen in observations), 1),
    }
    warnings = tuple(
        f"photo {index + 1}: {warning}"
        for index, seen in enumerate(observations)
        for warning in seen.cut.warnings
    )
    return Measured(specification.build(observations, hints), timings, warnings)


def defects(image: bytes) -> Measured:
    seen = observe(image, read=False)
    timings = {"segment_ms": round(seen.segment_ms, 1), "measure_ms": round(seen.measure_ms, 1)}
    return Measured(specification.defects([seen]), timings, seen.cut.warnings)


def attributes(image: bytes, names: Sequence[str]) -> Measured:
    clock = _Clock()
    info = inspect(image, formats=FORMATS)
    photo = open_photo(image, MEASURED_SIDE)
    cut = photo.cut_out()
    clock.lap("segment_ms")
    found = measure_attributes(photo.rgb, cut, names, (info.width, info.height))
    clock.lap("measure_ms")
    return Measured([attribute.model_dump() for attribute in found], clock.laps, cut.warnings)


def generate(request: ImageRequest) -> Made:
    clock = _Clock()
    cut = _cutout(request.references[0].data, min(LARGEST_PHOTO, 2 * SIDES[request.resolution]))
    clock.lap("segment_ms")
    plan = parse(_asked(request), request.view)
    size = picture_size(request.aspect_ratio, request.resolution)
    composition = compose(cut, plan, size, request.seed, request.index)
    clock.lap("compose_ms")
    ignored = list(dict.fromkeys(plan.ignored))
    details: dict[str, Any] = {
        "scene": plan.scene,
        "view": plan.view,
        "light": plan.light,
        "used_words": plan.used,
        "ignored_words": ignored,
        "excluded_words": list(dict.fromkeys(plan.excluded)),
        "seed": request.seed,
        "index": request.index,
        "product_scale": composition.product_scale,
        "segmentation_confidence": cut.confidence,
    }
    warnings = [*composition.warnings, *cut.warnings]
    if ignored:
        warnings.append("words without effect: " + ", ".join(ignored))
    if request.transparent:
        warnings.append("a scene is never transparent; remove the background instead")
    record = {**request.provenance, **details, "prompt": request.prompt}
    image = _encode(composition.image, DigitalSource.COMPOSED, record, request.seed)
    clock.lap("encode_ms")
    return Made(image, details, clock.laps, tuple(warnings))


def try_on(request: ImageRequest) -> Made:
    """The picture has the person's proportions and at most the longest side of the resolution, or of a preview."""
    clock = _Clock()
    side = min(LARGEST_PREVIEW, SIDES[request.resolution])
    people, garments = request.of_role("person"), request.of_role("garment")
    placed = [garment for garment in garments if garment.slot in UPPER_BODY]
    if not people or not placed:
        text = "the local provider can place tops on one person: give a person's photo and a garment's"
        raise ProviderError(ErrorCode.UNSUPPORTED if garments else ErrorCode.INVALID, text, "local")
    preview = dress(open_photo(people[0].data, side), [open_photo(garment.data, side) for garment in placed])
    clock.lap("compose_ms")
    details = {
        "preview": True,
        "confidence": preview.confidence,
        "coverage": preview.coverage,
        "seed": request.seed,
        "index": request.index,
    }
    left = [str(garment.slot) for garment in garments if garment not in placed]
    warnings = (*preview.warnings, *(f"not placed: {slot}; only tops can be" for slot in left))
    record = {**request.provenance, **details, "prompt": request.prompt}
    image = _encode(preview.image, DigitalSource.COMPOSED_OF_PHOTOS, record, request.seed)
    clock.lap("encode_ms")
    return Made(image, details, clock.laps, warnings)


def remove_background(request: ImageRequest) -> Made:
    clock, image = _Clock(), request.references[0]
    cut = _person(image.data) if image.role == "person" else _cutout(image.data, LARGEST_PHOTO)
    clock.lap("segment_ms")
    details = {"segmentation_confidence": cut.confidence, "plain_background": cut.plain_background}
    out = _encode(cut.rgba(), DigitalSource.ALTERED, {**request.provenance, **details}, None)
    clock.lap("encode_ms")
    return Made(out, details, clock.laps, cut.warnings)


def directions(brief: Brief, count: int) -> tuple[str, ...]:
    """In words, what `draw_logo` makes of the brief for each of the pictures."""
    return tuple(in_words(draft(brief, 0, index), brief) for index in range(count))


def draw_logo(request: ImageRequest, brief: Brief) -> Made:
    design = draft(brief, request.seed, request.index, transparent=request.transparent)
    return _drawn(request, design, {})


def change_logo(request: ImageRequest) -> Made:
    """Raises `ProviderError` for a picture that carries no design, and for what is no change of one."""
    refined = refine(_design_of(request), _asked(request), request.seed)
    design = refined.design
    if request.transparent:
        design = design.model_copy(update={"background": "transparent"})
    ignored = [f"words without effect: {', '.join(refined.ignored)}"] if refined.ignored else []
    details = {"changes": refined.done, "ignored_words": refined.ignored}
    return _drawn(request, design, details, [*refined.notes, *ignored])


def _asked(request: ImageRequest) -> str:
    """The user's own words: what is said around them is for models."""
    return request.prompt if request.scene is None else request.scene


def _design_of(request: ImageRequest) -> Design:
    parents = request.of_role("parent")
    mark = metadata.read(parents[0].data) if parents else None
    document = request.design or (mark.record.get("design") if mark else None)
    if not document:
        text = "without a model only logos can be changed, and only those that were drawn here"
        raise ProviderError(ErrorCode.UNSUPPORTED, text, "local")
    try:
        return Design.model_validate(document)
    except pydantic.ValidationError as error:
        text = f"the picture's design is not one of ours: {error.errors()[0]['msg']}"
        raise ProviderError(ErrorCode.INVALID, text, "local") from error


def _drawn(
    request: ImageRequest, design: Design, details: dict[str, Any], warnings: Sequence[str] = ()
) -> Made:
    clock = _Clock()
    canvas = lay_out(design, *picture_size(request.aspect_ratio, request.resolution))
    pixels = rasterise(canvas)
    clock.lap("draw_ms")
    details = {
        **details,
        "design": design.model_dump(mode="json"),
        "seed": request.seed,
        "index": request.index,
    }
    record = {**request.provenance, **details, "prompt": request.prompt}
    image = _encode(pixels, DigitalSource.DRAWN, record, request.seed)
    clock.lap("encode_ms")
    missing = [f"left out, because no face here has it: {canvas.missing}"] if canvas.missing else []
    return Made(image, details, clock.laps, (*warnings, *missing), svg(canvas))


def _person(photo: bytes) -> Cutout:
    """By the face, if one is seen."""
    person = open_photo(photo, LARGEST_PHOTO)
    face = find_face(person.rgb)
    return cut_out_person(person, face) if face else person.cut_out()


@functools.lru_cache(maxsize=2)
def _cutout(photo: bytes, longest_side: int) -> Cutout:
    """Kept, because the pictures of one request all need the same one."""
    return open_photo(photo, longest_side).cut_out()


def _encode(pixels: Pixels, source: DigitalSource, record: dict[str, Any], seed: int | None) -> ImageOut:
    encoded = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(encoded, "PNG", compress_level=COMPRESSION)
    mark = Mark(source, {"provider": "local", "model": "classical/1", **record})
    data = metadata.embed(encoded.getvalue(), mark)
    height, width = pixels.shape[:2]
    return ImageOut(data, "image/png", width, height, hashlib.sha256(data).hexdigest(), source, seed)


class _Clock:
    """Milliseconds between laps."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = round((now - self._last) * 1000, 1)
        self._last = now

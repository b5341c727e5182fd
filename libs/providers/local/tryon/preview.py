"""The preview itself: person and garment photos in, a picture and its caveats out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np

from libs.imaging.faces import find_face
from libs.imaging.photos import Photo
from libs.imaging.pixels import Pixels, Plane, to_bytes, wide_blur
from libs.imaging.segmentation import Cutout
from libs.providers.errors import ErrorCode, ProviderError
from libs.providers.local.tryon.body import SHOULDER, Body, cut_out_person, measure_body
from libs.providers.local.tryon.garment import Garment, measure_garment
from libs.providers.local.tryon.warp import backward_map, warped

CAVEAT = "placement preview from geometry: folds, fit and pose are not simulated"
TRUST = 0.6  # of what is known about face and outline: geometry alone says no more
WELL_COVERED = 0.75
SURE = 0.7
TRUNK = 0.92
"""Half the width of a top's trunk, as a share of the person's; the upper arms are beside it."""
LOWERED = 0.12
"""Arms hang lower than sleeves lie; radians."""

HALF_WAY = 0.44
"""How far a shoulder has come down half-way to its end."""

Point: TypeAlias = tuple[float, float]
Pair: TypeAlias = tuple[Point, Point]
"""A point of the garment and its place on the person."""


@dataclass(frozen=True, slots=True)
class Preview:
    image: Pixels
    confidence: float
    coverage: float
    """Share of the visible body below the shoulders that the garments cover."""
    warnings: tuple[str, ...]


def try_on(person: Photo, garments: Sequence[Photo]) -> Preview:
    """`garments` from the innermost to the outermost. Raises `ProviderError` (unsupported) without a face."""
    face = find_face(person.rgb)
    if face is None:
        text = "no frontal face was found in the person's photo, and without one no garment can be placed"
        raise ProviderError(ErrorCode.UNSUPPORTED, text, "local", reason="no_face")
    cut = cut_out_person(person, face)
    body = measure_body(cut.alpha > 0.5, face)
    shape = person.rgb.shape
    image, covered = person.rgb.astype(np.float32), np.zeros(shape[:2], bool)
    warnings, trust = [CAVEAT], min(face.confidence, cut.confidence)
    for number, photo in enumerate(garments, 1):
        garment_cut = photo.cut_out()
        warnings += [f"garment {number}: {doubt}" for doubt in _doubts(garment_cut)]
        trust = min(trust, garment_cut.confidence)
        colours, alpha = _placed(measure_garment(garment_cut), body, shape)
        colours = _lit(colours, body, person.rgb)
        alpha = alpha * (1 - _head(body, shape) * cut.alpha)
        _lay_over(image, colours, alpha, body, cut.alpha)
        covered |= alpha > 0.5
    coverage = _coverage(covered, cut.alpha > 0.5, body)
    if coverage < WELL_COVERED:
        warnings.append(
            f"garments cover {coverage:.0%} of the visible body; the clothes underneath stay visible"
        )
    return Preview(to_bytes(image), round(trust * TRUST, 2), coverage, tuple(warnings))


def _doubts(garment: Cutout) -> Iterable[str]:
    if not garment.plain_background:
        yield "the background is not plain, its outline may be wrong"
    elif garment.confidence < SURE:
        yield f"its outline is uncertain ({garment.confidence:.0%})"
    yield from (warning for warning in garment.warnings if not warning.startswith("busy background"))


def _placed(garment: Garment, body: Body, shape: tuple[int, ...]) -> tuple[Pixels, Plane]:
    """Colours and alpha of the garment at its place in a picture of this shape."""
    height, width = shape[:2]
    scale = 2 * TRUNK * body.half_width / garment.body_width
    source, target = _pairs(garment, body, scale)
    colours, alpha = warped(garment.rgb, garment.alpha, backward_map(source, target, width, height), scale)
    return colours, alpha * _reach(target, body, shape)


def _reach(target: Plane, body: Body, shape: tuple[int, ...]) -> Plane:
    """Thin plates fold back outside their points; only the points' neighbourhood is meant."""
    hull = np.zeros(shape[:2], np.uint8)
    corners = cv2.convexHull(target.astype(np.float32)).astype(np.int32)
    cv2.fillConvexPoly(hull, corners, 1)
    cv2.polylines(hull, [corners], True, 1, thickness=2 * max(3, int(0.18 * body.face.width)))
    hull[: max(0, int(body.neck_y - 0.22 * body.face.height))] = 0
    return hull


def _pairs(garment: Garment, body: Body, scale: float) -> tuple[Plane, Plane]:
    """Points of the garment and where they belong on the person."""
    face = body.face
    half_collar = (garment.collar_right - garment.collar_left) / 2 * scale
    half_collar = float(np.clip(half_collar, 0.46 * face.width, 0.62 * face.width))
    drop = min(max(0, garment.collar_dip - garment.collar_y) * scale, 0.45 * face.height)
    collar = (
        (garment.centre, float(max(garment.collar_dip, garment.collar_y))),
        (face.centre, body.neck_y + drop),
    )
    pairs: list[Pair] = [collar]
    for side in (-1, 1):
        corner = float(garment.collar_left if side < 0 else garment.collar_right), float(garment.collar_y)
        pairs.append((corner, (face.centre + side * half_collar, body.neck_y)))
        pairs += _side(garment, body, side, half_collar, scale)
    source, target = zip(*pairs, strict=True)
    return np.array(source), np.array(target)


def _side(garment: Garment, body: Body, side: int, half_collar: float, scale: float) -> list[Pair]:
    """Shoulder, sleeve, armpit and side seam."""
    axis, half_torso = body.face.centre, TRUNK * body.half_width
    x = garment.centre + side * garment.body_width / 2
    shoulder = x, garment.top_at(x)
    place = axis + side * SHOULDER * body.half_width, body.shoulders_y[side > 0]
    armpit_y = place[1] + (garment.armpit_y - shoulder[1]) * scale
    collar_x = garment.collar_left if side < 0 else garment.collar_right
    middle_x = (collar_x + x) / 2
    above = (axis + side * half_collar + place[0]) / 2, body.neck_y + HALF_WAY * (place[1] - body.neck_y)
    pairs: list[Pair] = [
        ((middle_x, garment.top_at(middle_x)), above),
        (shoulder, place),
        ((x, float(garment.armpit_y)), (axis + side * half_torso, armpit_y)),
        *_sleeve(garment, side, shoulder, place, scale),
    ]
    for share in (0.4, 0.7, 1.0):
        below = (garment.height - garment.armpit_y) * share
        seam = axis + side * half_torso * (1 + 0.02 * share), armpit_y + below * scale
        pairs.append(((x, garment.armpit_y + below), seam))
    return pairs


def _sleeve(garment: Garment, side: int, shoulder: Point, place: Point, scale: float) -> list[Pair]:
    """Elbow and cuff, which turn about the shoulder: the further a sleeve stands out, the more."""
    outer, inner = garment.cuff(side)
    elbow = garment.outermost(side, (shoulder[1] + outer[1]) / 2)
    standing_out = abs(outer[0] - shoulder[0]) / max(
        1.0, np.hypot(outer[0] - shoulder[0], outer[1] - shoulder[1])
    )
    turn = side * LOWERED * standing_out
    sine, cosine = np.sin(turn), np.cos(turn)
    pairs: list[Pair] = []
    for x, y in (elbow, outer, inner):
        across, down = (x - shoulder[0]) * scale, (y - shoulder[1]) * scale
        pairs.append(
            ((x, y), (place[0] + across * cosine - down * sine, place[1] + across * sine + down * cosine))
        )
    return pairs


def _lit(colours: Pixels, body: Body, person: Pixels) -> Pixels:
    """Darker towards the sides and under the chin, and a little as the person's photo is.

    What is for sale keeps its colour: people in dark clothes or with dark skin stand in no less light.
    """
    height, width = person.shape[:2]
    face = body.face
    across = np.abs(np.arange(width, dtype=np.float32) - face.centre) / body.half_width
    chin = np.zeros((height, width), np.float32)
    radii = int(0.55 * face.width), int(0.22 * face.height)
    cv2.ellipse(chin, (int(face.centre), int(body.neck_y)), radii, 0, 0, 360, 1, -1)
    shade = (1.02 - 0.11 * np.clip(across, 0, 1.1) ** 2.4)[None] * (
        1 - 0.26 * wide_blur(chin, 0.10 * face.width)
    )
    exposure = np.clip(np.percentile(cv2.cvtColor(person, cv2.COLOR_RGB2GRAY), 98) / 240, 0.93, 1.04)
    return np.asarray(np.clip(colours * shade[..., None], 0, 255) * np.float32(exposure))


def _head(body: Body, shape: tuple[int, ...]) -> Plane:
    """Chin and hair stay in front of the collar."""
    face = body.face
    head = np.zeros(shape[:2], np.float32)
    centre = int(face.centre), int(face.y + 0.42 * face.height)
    radii = int(0.62 * face.width), int(0.70 * face.height)
    cv2.ellipse(head, centre, radii, 0, 0, 360, 1, -1)
    return wide_blur(head, 0.012 * shape[1])


def _lay_over(image: Pixels, colours: Pixels, alpha: Plane, body: Body, silhouette: Plane) -> None:
    """With the soft shadow of the garment's edge on the person."""
    shadow = wide_blur(alpha, 0.030 * body.face.width + 1)
    shadow = np.roll(shadow, int(0.03 * body.face.height), 0) * (1 - alpha) * silhouette
    image *= (1 - 0.32 * shadow)[..., None]
    image += alpha[..., None] * (colours - image)


def _coverage(covered: Plane, silhouette: Plane, body: Body) -> float:
    below = silhouette[int(body.torso_y) :]
    return round(float(covered[int(body.torso_y) :][below].mean()), 2) if below.any() else 0.0

"""The product without its background, by classical means: border model and saliency, GrabCut, guided matting.

Good on plain backdrops (median IoU 0.989 on 16 drawn mugs), mixed on busy ones; `confidence` is a heuristic.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from libs.imaging import backdrop as backdrops
from libs.imaging.backdrop import Backdrop
from libs.imaging.grab_cut import (
    BACKGROUND,
    FOREGROUND,
    MAYBE_BACKGROUND,
    MAYBE_FOREGROUND,
    ensure_both,
    grab_cut,
    is_foreground,
)
from libs.imaging.markers import without_markers
from libs.imaging.masks import bridge_stripes, tidy
from libs.imaging.matting import alpha_matte, decontaminate
from libs.imaging.pixels import Pixels, Plane, dilate, erode, gaussian, norm, resize, square, to_lab

WORKING_SIDE = 640
COARSE_SIDE_PLAIN, COARSE_SIDE_BUSY = 300, 460
HIGHEST_CONFIDENCE = 0.9  # even the worst mask of the test set scored 0.97 by the evidence alone


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the confidence is made of, each 0 to 1."""

    edge_agreement: float
    """Share of the outline that lies on the picture's stronger edges."""
    colour_separation: float
    frame_contact: float
    """Share of the frame's edge that the product covers."""
    area: float


@dataclass(frozen=True, slots=True)
class Cutout:
    """A product at the size of its photo: float32 alpha, and colours without the backdrop's fringe."""

    rgb: Pixels
    alpha: Plane
    confidence: float
    plain_background: bool
    background_rgb: tuple[int, int, int] | None
    """None if the photo came without a backdrop."""
    evidence: Evidence
    warnings: tuple[str, ...]

    def rgba(self) -> Pixels:
        return np.dstack([self.rgb, (self.alpha * 255 + 0.5).astype(np.uint8)])

    def box(self) -> tuple[int, int, int, int]:
        """x, y, width, height of what is at least half opaque; the whole picture if nothing is."""
        mask = self.alpha > 0.5
        rows, columns = np.where(mask.any(1))[0], np.where(mask.any(0))[0]
        if len(rows) == 0:
            return 0, 0, mask.shape[1], mask.shape[0]
        x, y = int(columns[0]), int(rows[0])
        return x, y, int(columns[-1]) - x + 1, int(rows[-1]) - y + 1


@dataclass(frozen=True, slots=True)
class _Scene:
    """The photo at working size, as all steps see it."""

    rgb: Pixels
    lab: Pixels
    backdrop: Backdrop
    distance: Plane


def segment(rgb: Pixels, prior: Plane | None = None) -> Cutout:
    """Deterministic; `rgb` is uint8 and at least 64 pixels on each side.

    `prior` says where the subject is, in the labels of `libs.imaging.grab_cut`, at the size of `rgb`.
    """
    small = without_markers(rgb, WORKING_SIDE)
    lab = to_lab(cv2.bilateralFilter(small, 5, 30, 5))
    backdrop = backdrops.fit(lab)
    scene = _Scene(small, lab, backdrop, backdrop.distance(lab))
    warnings = []
    if prior is not None:
        mask, found = _mask_from(scene, prior)
    else:
        mask, found = _plain_mask(scene) if backdrop.plain else _busy_mask(scene)
    if not found:
        warnings.append("no contrast against the border; centre assumed")
    alpha = alpha_matte(rgb, mask)
    evidence = _evidence(scene, mask)
    return Cutout(
        rgb=decontaminate(rgb, alpha),
        alpha=alpha,
        confidence=_confidence(evidence, backdrop.plain),
        plain_background=backdrop.plain,
        background_rgb=_median_colour(small[backdrop.ring]),
        evidence=evidence,
        warnings=(*warnings, *_warnings(evidence, backdrop.plain)),
    )


def _plain_mask(scene: _Scene) -> tuple[Plane, bool]:
    distance = scene.distance
    trimap = np.full(distance.shape, MAYBE_BACKGROUND, np.uint8)
    trimap[distance > 4] = MAYBE_FOREGROUND
    trimap[erode(distance > 9, square(5))] = FOREGROUND
    trimap[erode(distance < 2.2, square(7))] = BACKGROUND
    trimap[scene.backdrop.ring & (distance < 4)] = BACKGROUND
    shadow, residual = backdrops.cast_shadow(scene.rgb, scene.lab, scene.backdrop)
    trimap[shadow] = BACKGROUND
    found = ensure_both(trimap, scene.backdrop.ring)
    trimap = grab_cut(scene.rgb, trimap, COARSE_SIDE_PLAIN)
    mask = is_foreground(trimap)
    if shadow.any() and mask.any() and np.median(residual[mask]) > 0.12:
        # The last pixels of a shadow sit against the product's edge.
        near_shadow = dilate(shadow & (distance > 3), square(11))
        mask &= ~(near_shadow & (residual < 0.10))
    return tidy(bridge_stripes(mask, distance), distance), found


def _busy_mask(scene: _Scene) -> tuple[Plane, bool]:
    distance = backdrops.cluster_distance(scene.lab, scene.backdrop.ring)
    saliency, centre = _saliency(scene, distance)
    otsu, _ = cv2.threshold((saliency * 255).astype(np.uint8), 0, 255, cv2.THRESH_OTSU)
    trimap = np.full(distance.shape, MAYBE_BACKGROUND, np.uint8)
    trimap[saliency > otsu / 255] = MAYBE_FOREGROUND
    trimap[saliency > max(otsu / 255 + 0.28, np.percentile(saliency, 96))] = FOREGROUND
    trimap[(distance < 1.2) & (centre < 0.45)] = BACKGROUND
    trimap[scene.backdrop.ring] = BACKGROUND
    found = ensure_both(trimap, scene.backdrop.ring)
    mask = is_foreground(grab_cut(scene.rgb, trimap, COARSE_SIDE_BUSY))
    return tidy(mask, None), found


def _mask_from(scene: _Scene, prior: Plane) -> tuple[Plane, bool]:
    plain = scene.backdrop.plain
    trimap = resize(prior, scene.rgb, cv2.INTER_NEAREST)
    found = ensure_both(trimap, scene.backdrop.ring)
    coarse_side = COARSE_SIDE_PLAIN if plain else COARSE_SIDE_BUSY
    mask = is_foreground(grab_cut(scene.rgb, trimap, coarse_side))
    return tidy(mask, scene.distance if plain else None), found


def _saliency(scene: _Scene, distance: Plane) -> tuple[Plane, Plane]:
    """How much each pixel looks like the subject (0 to 1), and how central it is."""
    height, width = distance.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    centre = np.exp(-(x**2 + y**2) / 0.75).astype(np.float32)
    unlike = np.clip(distance / (np.percentile(distance, 97) + 1e-6), 0, 1)
    focus = np.clip(_focus(cv2.cvtColor(scene.rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)), 0, 1)
    saliency = (0.55 * unlike + 0.20 * focus) * (0.35 + 0.65 * centre) + 0.25 * centre * focus
    saliency = gaussian(saliency.astype(np.float32), max(2, min(height, width) / 90))
    return np.asarray((saliency - saliency.min()) / (np.ptp(saliency) + 1e-6)), centre


def _focus(grey: Plane) -> Plane:
    detail = gaussian(np.abs(cv2.Laplacian(gaussian(grey, 1), cv2.CV_32F)), max(3, min(grey.shape) / 40))
    return np.asarray(detail / (np.percentile(detail, 98) + 1e-6))


def _evidence(scene: _Scene, mask: Plane) -> Evidence:
    edge = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, square(3)) > 0
    inner = edge & ~scene.backdrop.ring
    slopes = [cv2.Sobel(scene.lab, cv2.CV_32F, across, 1 - across) for across in (0, 1)]
    gradient = norm(np.concatenate(slopes, -1))
    strong = gradient[inner] > np.percentile(gradient, 75)
    frame = np.concatenate([mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]])
    return Evidence(
        edge_agreement=round(float(strong.mean()), 3) if inner.any() else 0.0,
        colour_separation=round(_separation(scene.rgb, mask), 3),
        frame_contact=round(float(frame.mean()), 3),
        area=round(float(mask.mean()), 3),
    )


def _separation(rgb: Pixels, mask: Plane) -> float:
    histograms = []
    for side in (mask, 1 - mask):
        histogram = cv2.calcHist([rgb], [0, 1, 2], side, [8, 8, 8], [0, 256] * 3)
        histograms.append(cv2.normalize(histogram, histogram, 1, 0, cv2.NORM_L1))
    return float(cv2.compareHist(histograms[0], histograms[1], cv2.HISTCMP_BHATTACHARYYA))


def _confidence(evidence: Evidence, plain: bool) -> float:
    confidence = 0.45 * evidence.edge_agreement + 0.40 * evidence.colour_separation
    confidence += 0.15 * (1 - min(1, evidence.frame_contact * 4))
    confidence *= 1 if 0.02 < evidence.area < 0.85 else 0.4
    confidence *= 1 if plain else 0.75
    return round(min(HIGHEST_CONFIDENCE, confidence), 3)


def _warnings(evidence: Evidence, plain: bool) -> list[str]:
    warnings = []
    if evidence.frame_contact > 0.02:
        warnings.append("subject touches the frame; it may be cropped")
    if not 0.02 <= evidence.area <= 0.85:
        warnings.append(f"foreground covers {evidence.area:.0%} of the frame")
    if not plain:
        warnings.append("busy background: the outline is a best effort")
    return warnings


def _median_colour(pixels: Pixels) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in np.median(pixels, axis=0))
    return red, green, blue

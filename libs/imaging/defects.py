"""Defects of a photo, which are measurable, and candidates for defects of the product, which are guesses."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from libs.imaging.marks import find_marks
from libs.imaging.pixels import Pixels, Plane, disc, erode, resize, shrink
from libs.imaging.quality import Box, PhotoMetrics
from libs.imaging.segmentation import Cutout

Severity = Literal["low", "medium", "high"]

INSPECTION_SIDE = 1400
MOST_HIGHLIGHTS = 4
BLURRED, VERY_BLURRED = 0.52, 0.60
SHOP_SIDE = 1000  # what shops commonly ask for


@dataclass(frozen=True, slots=True)
class Defect:
    kind: str
    scope: Literal["photo", "product"]
    severity: Severity
    confidence: float
    description: str
    box: Box | None = None


def find_defects(rgb: Pixels, cut: Cutout, photo: PhotoMetrics) -> list[Defect]:
    """Those of the photo first, then candidates on the product with a confidence of at most 0.5."""
    small = shrink(rgb, INSPECTION_SIDE)
    product = resize(cut.alpha, small) > 0.9
    core = erode(product, disc(max(3, int(0.008 * max(small.shape)))))
    return [
        *_technical(photo),
        *_exposure(photo),
        *_framing(cut, photo),
        *_highlights(small, product, core),
        *_marks(small, core),
    ]


def _technical(photo: PhotoMetrics) -> Iterator[Defect]:
    side = min(photo.width, photo.height)
    if side < SHOP_SIDE:
        severity = _severity(-side, -800, -500)
        text = f"shorter side is {side} px; shops commonly ask for {SHOP_SIDE} px or more"
        yield Defect("low_resolution", "photo", severity, 0.99, text)
    if photo.blur > BLURRED:
        confidence = round(min(0.95, 0.4 + (photo.blur - BLURRED) * 2.5), 2)
        text = f"perceptual blur {photo.blur:.2f} on the product"
        yield Defect(
            "blur", "photo", _severity(photo.blur, VERY_BLURRED, 0.68), confidence, text, photo.product_box
        )
    if photo.noise_sigma > 6:
        text = f"noise sigma about {photo.noise_sigma:.1f} of 255"
        yield Defect("noise", "photo", _severity(photo.noise_sigma, 10), 0.7, text)
    if photo.blockiness and photo.blockiness > 1.35:
        text = f"8x8 block edges {photo.blockiness:.2f} times stronger than elsewhere"
        yield Defect("compression", "photo", _severity(photo.blockiness, 1.7), 0.7, text)


def _exposure(photo: PhotoMetrics) -> Iterator[Defect]:
    if photo.mean_lightness < 18 and photo.contrast < 40:
        yield Defect("underexposed", "photo", "medium", 0.6, "product is very dark", photo.product_box)
    if photo.clipped_low > 0.12:
        text = f"{photo.clipped_low:.0%} of the product is pure black"
        yield Defect("crushed_shadow", "photo", "low", 0.7, text, photo.product_box)
    if photo.background_cast and photo.background_cast > 6:
        text = (
            f"background is {photo.background_cast:.0f} Lab units away from neutral; "
            "product colours are shifted if the backdrop is white or grey"
        )
        yield Defect("colour_cast", "photo", _severity(photo.background_cast, 12), 0.6, text)


def _framing(cut: Cutout, photo: PhotoMetrics) -> Iterator[Defect]:
    box, contact = photo.product_box, cut.evidence.frame_contact
    if contact > 0.02:
        confidence = round(min(0.9, 0.5 + contact), 2)
        yield Defect("cropped", "photo", "medium", confidence, "product outline touches the frame", box)
    if photo.product_area < 0.12:
        text = f"product fills {photo.product_area:.0%} of the frame"
        yield Defect("small_in_frame", "photo", "low", 0.8, text, box)
    off_x, off_y = box.x + box.w / 2 - 0.5, box.y + box.h / 2 - 0.5
    if max(abs(off_x), abs(off_y)) > 0.12:
        text = f"product centre is {off_x:+.0%} / {off_y:+.0%} off"
        yield Defect("off_centre", "photo", "low", 0.8, text, box)
    if not cut.plain_background:
        yield Defect("busy_background", "photo", "low", 0.75, "background is not plain")


def _highlights(rgb: Pixels, product: Plane, core: Plane) -> Iterator[Defect]:
    total = max(1, int(core.sum()))
    white = ((rgb.min(-1) >= 252) & product).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(white, connectivity=8)
    largest = sorted(stats[1:].tolist(), key=lambda stat: -stat[cv2.CC_STAT_AREA])[:MOST_HIGHLIGHTS]
    for x, y, w, h, area in largest:
        if area >= max(20, 0.0015 * total):
            text = f"{area / total:.1%} of the product is pure white (reflection or overexposure)"
            box = Box.of((x, y, w, h), rgb.shape)
            yield Defect("clipped_highlight", "photo", _severity(area / total, 0.02), 0.85, text, box)


def _marks(rgb: Pixels, core: Plane) -> Iterator[Defect]:
    for mark in find_marks(rgb, core):
        what = "thin line" if mark.kind == "scratch" else "small spot"
        text = (
            f"{what} that stands {mark.strength:.0f} sigma out of a smooth area "
            "(dust, damage, print or reflection)"
        )
        box = Box.of(mark.box, rgb.shape)
        yield Defect(f"{mark.kind}_candidate", "product", "low", mark.confidence, text, box)


def _severity(value: float, medium: float, high: float = float("inf")) -> Severity:
    return "high" if value > high else "medium" if value > medium else "low"

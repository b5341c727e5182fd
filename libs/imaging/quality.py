"""What can be measured about a product photo: sharpness, exposure, outline and surface."""

from dataclasses import dataclass

import cv2
import numpy as np

from libs.imaging.pixels import Pixels, Plane, erode, gaussian, lab_of, resize, shrink, square, to_lab
from libs.imaging.segmentation import Cutout

MEASURING_SIDE = 1000
SHAPE_SIDE = 700
SURFACE_SIDE = 512
NOISE_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


@dataclass(frozen=True, slots=True)
class Box:
    """Shares of the picture's width and height, from its top left corner."""

    x: float
    y: float
    w: float
    h: float

    @classmethod
    def of(cls, box: tuple[int, int, int, int], shape: tuple[int, ...]) -> "Box":
        x, y, w, h = box
        height, width = shape[:2]
        return cls(round(x / width, 4), round(y / height, 4), round(w / width, 4), round(h / height, 4))


@dataclass(frozen=True, slots=True)
class PhotoMetrics:
    width: int
    height: int
    blur: float
    """Perceptual blur (Crete 2007) of the product: 0 sharp, 1 blurred."""
    noise_sigma: float
    """Of 255, measured on the background (Immerkær 1996)."""
    mean_lightness: float
    contrast: float
    """5th to 95th percentile of the product's lightness, Lab units."""
    clipped_high: float
    clipped_low: float
    blockiness: float | None
    """Strength of 8×8 block edges against other edges; None where the photo had to be reduced to measure."""
    background_cast: float | None
    """Lab chroma of a light, plain background, which should be neutral."""
    product_area: float
    product_box: Box


def measure(rgb: Pixels, cut: Cutout) -> PhotoMetrics:
    height, width = rgb.shape[:2]
    small = shrink(rgb, MEASURING_SIDE)
    product = resize(cut.alpha, small) > 0.5
    region = product if product.any() else ~product
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    lightness = to_lab(small)[..., 0][region]
    return PhotoMetrics(
        width=width,
        height=height,
        blur=round(max(_blur(grey, region), _blur(grey.T, region.T)), 3),
        noise_sigma=round(_noise(grey, ~product if (~product).any() else product), 2),
        mean_lightness=round(float(lightness.mean()), 1),
        contrast=round(float(np.percentile(lightness, 95) - np.percentile(lightness, 5)), 1),
        clipped_high=round(float((small.min(-1) >= 252)[region].mean()), 4),
        clipped_low=round(float((small.max(-1) <= 6)[region].mean()), 4),
        blockiness=_blockiness(grey) if small is rgb and width > 32 else None,
        background_cast=_cast(cut),
        product_area=round(float(product.mean()), 3),
        product_box=Box.of(cut.box(), rgb.shape),
    )


def _blur(grey: Plane, region: Plane) -> float:
    """How little detail a further vertical blur takes away."""
    detail = np.abs(np.diff(grey, axis=0))
    remaining = np.abs(np.diff(cv2.blur(grey, (1, 9)), axis=0))
    lost = np.maximum(0, detail - remaining)[region[1:]].sum()
    return float(1 - lost / (detail[region[1:]].sum() + 1e-6))


def _noise(grey: Plane, region: Plane) -> float:
    response = np.abs(cv2.filter2D(grey, -1, NOISE_KERNEL))
    return float(np.sqrt(np.pi / 2) / 6 * response[region].mean())


def _blockiness(grey: Plane) -> float:
    steps = np.abs(np.diff(grey, axis=1)).mean(0)
    at_edges = np.arange(len(steps)) % 8 == 7
    return round(float(steps[at_edges].mean() / (steps[~at_edges].mean() + 1e-6)), 3)


def _cast(cut: Cutout) -> float | None:
    if not cut.plain_background or cut.background_rgb is None or np.mean(cut.background_rgb) <= 110:
        return None
    _, a, b = lab_of([cut.background_rgb])[0]
    return round(float(np.hypot(a, b)), 1)


@dataclass(frozen=True, slots=True)
class Outline:
    kind: str
    aspect_ratio: float
    """Width to height."""
    circularity: float
    solidity: float
    mirror_symmetry: float
    """Overlap of the outline with its left-right mirror image."""
    holes: int
    parts: int


def outline(cut: Cutout) -> Outline | None:
    """None if nothing was found."""
    mask = (shrink(cut.alpha, SHAPE_SIDE) > 0.5).astype(np.uint8)
    contours, hierarchy = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None
    outer = [c for c, (*_, parent) in zip(contours, hierarchy[0], strict=True) if parent < 0]
    inner = [c for c, (*_, parent) in zip(contours, hierarchy[0], strict=True) if parent >= 0]
    main = max(outer, key=cv2.contourArea)
    area, perimeter = cv2.contourArea(main), cv2.arcLength(main, True)
    x, y, w, h = cv2.boundingRect(main)
    circularity = 4 * np.pi * area / (perimeter**2 + 1e-6)
    solidity = area / (cv2.contourArea(cv2.convexHull(main)) + 1e-6)
    return Outline(
        kind=_kind(main, w / h, solidity),
        aspect_ratio=round(w / h, 3),
        circularity=round(circularity, 3),
        solidity=round(solidity, 3),
        mirror_symmetry=round(_mirror_symmetry(mask[y : y + h, x : x + w]), 3),
        holes=sum(cv2.contourArea(c) > 0.003 * area for c in inner),
        parts=sum(cv2.contourArea(c) > 0.02 * area for c in outer),
    )


def _kind(contour: Plane, ratio: float, solidity: float) -> str:
    """However it is turned: circles and ovals fill π/4 of the narrowest rectangle around them, boxes all of it."""
    extent = cv2.contourArea(contour) / max(1.0, float(np.prod(cv2.minAreaRect(contour)[1])))
    if abs(extent - np.pi / 4) < 0.025 and solidity > 0.98 and 0.8 < ratio < 1.25:
        return "round"
    if extent > 0.92 and solidity > 0.95:
        return "rectangular"
    if ratio < 0.6:
        return "tall"
    if ratio > 1.7:
        return "wide"
    return "compact" if solidity > 0.9 else "irregular"


def _mirror_symmetry(mask: Plane) -> float:
    mirrored = mask[:, ::-1]
    return float((mask & mirrored).sum() / max(1, (mask | mirrored).sum()))


@dataclass(frozen=True, slots=True)
class Surface:
    texture: str
    directional: bool
    """Stripes, grain or ribs."""
    gloss: str | None


def surface(rgb: Pixels, cut: Cutout) -> Surface | None:
    """None if too little of the product is visible."""
    small = shrink(rgb, SURFACE_SIDE)
    inside = erode(resize(cut.alpha, small) > 0.9, square(7))
    if inside.sum() < 200:
        return None
    lab = to_lab(small)
    lightness = lab[..., 0]
    # Of the product alone: the step to its backdrop is no texture.
    around = gaussian(lightness * inside, 4) / np.maximum(gaussian(inside.astype(np.float32), 4), 1e-3)
    roughness = float((lightness - around)[inside].std())
    shiny = float(_highlights(lab)[inside].mean())
    return Surface(
        texture="smooth" if roughness < 1.6 else "fine" if roughness < 4 else "strong",
        directional=roughness >= 1.6 and _directionality(lightness, inside) > 0.45,
        gloss="glossy" if shiny > 0.008 and roughness < 6 else None,
    )


def _highlights(lab: Pixels) -> Plane:
    lightness, chroma = lab[..., 0], np.hypot(lab[..., 1], lab[..., 2])
    brighter = lightness - gaussian(lightness, 20) > 9
    washed_out = chroma < 0.85 * gaussian(chroma, 20)
    return np.asarray(brighter & (washed_out | (lightness > 88)))


def _directionality(lightness: Plane, inside: Plane) -> float:
    """Coherence of the structure tensor: 0 no direction, 1 one direction."""
    across, down = (cv2.Sobel(lightness, cv2.CV_32F, 1 - d, d)[inside] for d in (0, 1))
    xx, yy, xy = (across**2).mean(), (down**2).mean(), (across * down).mean()
    return float(np.hypot(xx - yy, 2 * xy) / (xx + yy + 1e-6))

"""What lies behind the product, learnt from the picture's border."""

from dataclasses import dataclass

import cv2
import numpy as np

from libs.imaging.pixels import Pixels, Plane, dilate, erode, gaussian, norm, square, to_lab

BORDER_SHARE = 0.035
LIT, LEVELS_APART, LEVELS = 0.94, 0.08, 10  # shares of the backdrop's light
LEAST_PRODUCT = 0.45  # of what is unlike the backdrop
MOST_GREY = 0.5  # of a product that is told from a crisp shadow
EVEN = 1.9  # Lab units per pixel
FINE, COARSE = 0.7, 2.8  # sigmas in pixels
SHARPEST_SHADOW = 0.8
"""How much steeper it is at the fine scale: 0.2 for the drop shadow of a lamp, 2.3 for a product's edge."""


@dataclass(frozen=True, slots=True)
class Backdrop:
    """`surface` continues the border's colours (Lab) behind the product; `ring` is the border itself."""

    surface: Pixels
    ring: Plane
    spread: float
    """Lab distance (RMS) of the ring from the surface."""
    inliers: float
    """Share of the ring that belongs to the backdrop."""

    @property
    def plain(self) -> bool:
        return self.spread < 4.2 and self.inliers > 0.84

    def distance(self, lab: Pixels) -> Plane:
        """From the surface, in units of its own spread."""
        return norm(lab - self.surface) / max(2.5, self.spread)


def fit(lab: Pixels) -> Backdrop:
    """A robust quadratic surface through the border, which follows vignettes and studio sweeps."""
    ring = _ring(*lab.shape[:2])
    terms = _quadratic_terms(*lab.shape[:2])
    at_ring, colours = terms[ring], lab[ring]
    keep = np.ones(len(colours), bool)
    for _ in range(6):
        inliers = at_ring[keep]
        # The normal equations: six unknowns, tens of thousands of points.
        coefficients = np.linalg.solve(inliers.T @ inliers, inliers.T @ colours[keep])
        distance = norm(at_ring @ coefficients - colours)
        keep = distance < 3 * max(1.0, 1.4826 * float(np.median(distance[keep])))
    spread = float(np.sqrt((distance[keep] ** 2).mean()))
    return Backdrop(terms @ coefficients, ring, spread, float(keep.mean()))


def _ring(height: int, width: int) -> Plane:
    thickness = max(2, int(BORDER_SHARE * min(height, width)))
    ring = np.ones((height, width), bool)
    ring[thickness:-thickness, thickness:-thickness] = False
    return ring


def _quadratic_terms(height: int, width: int) -> Pixels:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    return np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], -1)


def cluster_distance(lab: Pixels, ring: Plane, clusters: int = 4) -> Plane:
    """Distance from the nearest of the border's colours; for busy backdrops, which no surface follows."""
    colours = lab[ring].astype(np.float32)
    if len(colours) > 6000:
        colours = colours[:: len(colours) // 6000 + 1]
    cv2.setRNGSeed(7)
    _, labels, centres = cv2.kmeans(colours, clusters, np.empty(0), (3, 20, 0.5), 2, cv2.KMEANS_PP_CENTERS)
    distances = []
    for cluster, centre in enumerate(centres):
        members = colours[labels.ravel() == cluster]
        deviation = max(4.0, float(members.std(0).mean())) if len(members) else 4.0
        rare = len(members) < 0.06 * len(
            colours
        )  # more likely a piece of the product that touches the border
        distances.append(norm(lab - centre) / deviation + 2 * rare)
    return np.asarray(np.min(distances, axis=0))


def cast_shadow(rgb: Pixels, lab: Pixels, backdrop: Backdrop) -> tuple[Plane, Plane]:
    """Where the backdrop is only darker, softly and connected with the border; how unlike it each pixel is.

    The second plane is the chromatic residual: 0 for a scaled backdrop colour.
    """
    behind = cv2.cvtColor(backdrop.surface.astype(np.float32), cv2.COLOR_LAB2RGB)
    picture = gaussian(rgb.astype(np.float32) / 255, 1.2)
    darkening = (picture * behind).sum(-1) / ((behind * behind).sum(-1) + 1e-6)
    residual = norm(picture - darkening[..., None] * behind) / (
        norm(behind) * np.maximum(darkening, 0.15) + 1e-6
    )
    distance = backdrop.distance(lab)
    alike = (residual < 0.085) & (darkening > 0.22) & (darkening < 1.06)
    foreground = distance > 4
    even = alike & (_slope(lab) < EVEN)
    # A grey product can be as dark as its shadow: no crisp edge is crossed then.
    for inside, most_alike in ((even | (alike & _is_soft(rgb, alike)), MOST_GREY), (even, 1.0)):
        candidates = inside | (distance < 2)
        shadow = candidates & _darker_inwards(candidates, darkening)
        product = foreground & ~shadow
        found = product.sum() >= LEAST_PRODUCT * foreground.sum()
        if found and (product & alike).sum() <= most_alike * product.sum():
            return shadow, residual
    return np.zeros_like(foreground), residual  # it would eat the product


def _darker_inwards(candidates: Plane, darkening: Plane) -> Plane:
    """What is connected with the border through nothing darker: behind a shadow, what is lighter is a grey product."""
    reached = _connected_with_border(candidates & (darkening > LIT))
    for step in range(1, LEVELS):
        level = LIT - step * LEVELS_APART
        if not (candidates & (darkening <= level + LEVELS_APART)).any():
            break
        connected = _connected_with_border(candidates & (darkening > level))
        reached |= connected & (darkening < level + 1.5 * LEVELS_APART)
    return reached


def _is_soft(rgb: Pixels, alike: Plane) -> Plane:
    """Where the lightness changes as in a blurred edge: much the same at a fine and at a coarse scale."""
    lightness = to_lab(rgb)[..., 0]
    weight = gaussian(alike.astype(np.float32), COARSE)
    even = np.where(alike, lightness, gaussian(lightness * alike, COARSE) / np.maximum(weight, 1e-3))
    fine, coarse = (np.stack(_slopes(gaussian(even, sigma)), -1) for sigma in (FINE, COARSE))
    return np.asarray(norm(fine - coarse) < SHARPEST_SHADOW * norm(coarse))


def _slope(lab: Pixels) -> Plane:
    across, down = _slopes(gaussian(lab, 1.4))
    return np.asarray(np.sqrt((across**2 + down**2).sum(-1)))


def _slopes(values: Pixels) -> tuple[Pixels, Pixels]:
    """Per pixel, across and down."""
    across, down = (cv2.Sobel(values, cv2.CV_32F, 1 - axis, axis, scale=1 / 8) for axis in (0, 1))
    return across, down


def _connected_with_border(candidates: Plane) -> Plane:
    core = erode(candidates, square(7)).astype(np.uint8)
    core[[0, -1]] = 1
    core[:, [0, -1]] = 1
    _, labels = cv2.connectedComponents(core, connectivity=4)
    return dilate(labels == labels[0, 0], square(5))

"""What lies behind the product, learnt from the picture's border."""

from dataclasses import dataclass

import cv2
import numpy as np

from libs.imaging.pixels import Pixels, Plane, dilate, erode, gaussian, norm, square

BORDER_SHARE = 0.035


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
    shaded = (residual < 0.085) & (darkening > 0.22) & (darkening < 1.06) & (_slope(lab) < 1.9)
    candidates = shaded | (distance < 2)
    reached = _connected_with_border(candidates)
    foreground = distance > 4
    if foreground.any() and (reached & foreground).sum() > 0.55 * foreground.sum():
        return np.zeros_like(foreground), residual  # it would eat the product
    return reached & candidates, residual


def _slope(lab: Pixels) -> Plane:
    smooth = gaussian(lab, 1.4)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8)
    return np.asarray(np.sqrt((across**2 + down**2).sum(-1)))


def _connected_with_border(candidates: Plane) -> Plane:
    core = erode(candidates, square(5)).astype(np.uint8)
    core[[0, -1]] = 1
    core[:, [0, -1]] = 1
    _, labels = cv2.connectedComponents(core, connectivity=4)
    return dilate(labels == labels[0, 0], square(3))

"""From a hard mask to a soft alpha, and product colours without the backdrop's fringe."""

import cv2
import numpy as np

from libs.imaging.masks import around
from libs.imaging.pixels import Pixels, Plane, box_mean, dilate, disc, erode, resize, shrink

GUIDE_SIDE = 1600


def alpha_matte(rgb: Pixels, mask: Plane) -> Plane:
    """float32 alpha at the size of `rgb` from a 0/1 mask at working size, soft in a band along its edge."""
    band = max(2, round(0.006 * max(mask.shape)))
    inside, outside = erode(mask, disc(band)), ~dilate(mask, disc(band))
    guide = shrink(rgb, GUIDE_SIDE, least_side=16)
    rough = resize(mask.astype(np.float32), guide, cv2.INTER_CUBIC).clip(0, 1)
    radius = max(2, round(band * guide.shape[1] / mask.shape[1] * 1.2))
    alpha = guided_filter(guide.astype(np.float32) / 255, rough, radius, 1e-4)
    alpha = np.clip((alpha - 0.08) / 0.84, 0, 1)
    alpha = np.maximum(alpha, resize(inside.astype(np.float32), guide))
    alpha = alpha * (1 - resize(outside.astype(np.float32), guide))
    if guide is not rgb:
        alpha = resize(alpha, rgb)
    return np.where(alpha < 0.02, 0, np.where(alpha > 0.98, 1, alpha)).astype(np.float32)


def guided_filter(guide: Pixels, plane: Plane, radius: int, epsilon: float) -> Plane:
    """He, Sun and Tang 2013 with a colour guide (float32, 0 to 1); OpenCV has it only in a contrib wheel."""
    mean, plane_mean = box_mean(guide, radius), box_mean(plane, radius)
    covariance = box_mean(guide * plane[..., None], radius) - mean * plane_mean[..., None]
    slope = _solve_symmetric(*_guide_covariance(guide, mean, radius, epsilon), covariance)
    offset = plane_mean - (slope * mean).sum(-1)
    return np.asarray((box_mean(slope, radius) * guide).sum(-1) + box_mean(offset, radius))


def _guide_covariance(
    guide: Pixels, mean: Pixels, radius: int, epsilon: float
) -> tuple[Plane, Plane, Plane, Plane, Plane, Plane]:
    """The six different entries of the 3×3 covariance per pixel: rr, rg, rb, gg, gb, bb."""
    red, green, blue = guide[..., 0], guide[..., 1], guide[..., 2]
    first = box_mean(np.stack([red * red, red * green, red * blue], -1), radius) - mean[..., :1] * mean
    second = box_mean(np.stack([green * green, green * blue, blue * blue], -1), radius)
    gg = second[..., 0] - mean[..., 1] ** 2 + epsilon
    gb = second[..., 1] - mean[..., 1] * mean[..., 2]
    bb = second[..., 2] - mean[..., 2] ** 2 + epsilon
    return first[..., 0] + epsilon, first[..., 1], first[..., 2], gg, gb, bb


def _solve_symmetric(
    rr: Plane, rg: Plane, rb: Plane, gg: Plane, gb: Plane, bb: Plane, right: Pixels
) -> Pixels:
    """A·x = right for a symmetric 3×3 matrix per pixel, by cofactors."""
    c1, c2, c3 = gg * bb - gb**2, rb * gb - rg * bb, rg * gb - rb * gg
    determinant = rr * c1 + rg * c2 + rb * c3
    b1, b2, b3 = right[..., 0], right[..., 1], right[..., 2]
    x = c1 * b1 + c2 * b2 + c3 * b3
    y = c2 * b1 + (rr * bb - rb**2) * b2 + (rg * rb - rr * gb) * b3
    z = c3 * b1 + (rg * rb - rr * gb) * b2 + (rr * gg - rg**2) * b3
    return np.asarray(np.stack([x, y, z], -1) / determinant[..., None])


def decontaminate(rgb: Pixels, alpha: Plane) -> Pixels:
    """Blur-fusion foreground estimation (Forte 2021), only where alpha is fractional."""
    band = (alpha > 0) & (alpha < 1)
    if not band.any():
        return rgb
    radius = max(4, int(0.012 * max(rgb.shape[:2])))
    area = around(band, 2 * radius + 2)
    foreground = _estimate_foreground(rgb[area].astype(np.float32) / 255, alpha[area], radius)
    cleaned = rgb.copy()
    here = band[area]
    cleaned[area][here] = (foreground[here] * 255 + 0.5).astype(np.uint8)
    return cleaned


def _estimate_foreground(picture: Pixels, alpha: Plane, radius: int) -> Pixels:
    foreground, background, weight = picture, picture, alpha[..., None]
    for reach in (radius, max(2, radius // 4)):
        coverage = box_mean(alpha, reach)[..., None]
        near = box_mean(foreground * weight, reach) / (coverage + 1e-5)
        far = box_mean(background * (1 - weight), reach) / (1 - coverage + 1e-5)
        foreground = np.clip(near + weight * (picture - weight * near - (1 - weight) * far), 0, 1)
        background = far
    return foreground

"""Thin-plate splines (Bookstein 1989): a smooth map through pairs of points."""

import cv2
import numpy as np

from libs.imaging.pixels import Pixels, Plane, gaussian

STEP = 4  # the map is smooth: it is computed at every fourth pixel
STIFFNESS = 1e-4
PADDING = 8


def backward_map(source: Plane, target: Plane, width: int, height: int) -> Plane:
    """H×W×2, float32: where in the source to read each target pixel. The points are N×2 pairs of x and y."""
    size = max(width, height)
    at, value = target / size, source / size
    count = len(at)
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = _kernel(at, at) + STIFFNESS * np.eye(count)
    system[:count, count:] = _affine(at)
    system[count:, :count] = _affine(at).T
    weights = np.linalg.solve(system, np.concatenate([value, np.zeros((3, 2))]))
    y, x = np.mgrid[0 : height + STEP : STEP, 0 : width + STEP : STEP]
    grid = np.stack([x.ravel(), y.ravel()], -1) / size
    coarse = (_kernel(grid, at) @ weights[:count] + _affine(grid) @ weights[count:]) * size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / STEP
    return np.asarray(
        cv2.remap(coarse.reshape(*_shape(width, height), 2).astype(np.float32), x, y, cv2.INTER_LINEAR)
    )


def _shape(width: int, height: int) -> tuple[int, int]:
    return -(-(height + STEP) // STEP), -(-(width + STEP) // STEP)


def _kernel(first: Plane, second: Plane) -> Plane:
    squared = ((first[:, None] - second[None]) ** 2).sum(-1)
    return np.asarray(squared * np.log(np.maximum(squared, 1e-9)))


def _affine(points: Plane) -> Plane:
    return np.column_stack([np.ones(len(points)), points])


def warped(rgb: Pixels, alpha: Plane, mapping: Plane, scale: float) -> tuple[Pixels, Plane]:
    """Colours (float32) and alpha, premultiplied on the way. `scale` below 1 blurs first, against aliasing."""
    layer = np.dstack([rgb.astype(np.float32) * alpha[..., None], alpha.astype(np.float32) * 255])
    layer = np.pad(layer, ((PADDING, PADDING), (PADDING, PADDING), (0, 0)))
    if scale < 0.6:
        layer = gaussian(layer, 0.35 / scale)
    moved = cv2.remap(
        layer,
        mapping[..., 0] + PADDING,
        mapping[..., 1] + PADDING,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
    )
    cover = np.clip(moved[..., 3] / 255, 0, 1)
    return np.asarray(moved[..., :3] / np.maximum(cover, 0.02)[..., None]), cover

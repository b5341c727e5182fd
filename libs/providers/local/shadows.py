"""The product's shadow and its reflection on the floor, drawn from its silhouette."""

import cv2
import numpy as np

from libs.imaging.pixels import Pixels, Plane, gaussian
from libs.providers.local.framing import Frame
from libs.providers.local.prompt import Plan

FLATNESS = 0.22
SHEAR = 0.55
SOFTNESS = {"hard": 0.55, "dark": 0.8}
STRENGTH = {"hard": 1.25, "soft": 0.85}
CONTACTS = (
    # how far down (of the product's height), strength, blur (of the picture's width)
    (0.006, 0.78, 0.0045),
    (0.016, 0.55, 0.016),
    (0.03, 0.26, 0.045),
)
FOOT = 0.55
"""The share of the product's height that is reflected."""


def shadow(alpha: Plane, frame: Frame, plan: Plan, key_light: float) -> Plane:
    """How much light is taken away, 0 to 1; drawn on a reduced copy, because all of it is blurred."""
    reduction = 4 if max(frame.width, frame.height) > 900 else 2
    if plan.view == "top":
        small = _lying(alpha, frame, plan, key_light, reduction)
    elif plan.floating:
        small = _below_floating(frame, reduction)
    else:
        cast = _cast(alpha, frame, plan, key_light, reduction)
        small = np.maximum(cast, _contact(alpha, frame, reduction))
    full = cv2.resize(small, (frame.width, frame.height), interpolation=cv2.INTER_CUBIC)
    return full.clip(0, 0.85)


def _reduced(plane: Plane, frame: Frame, reduction: int) -> Plane:
    size = (frame.width // reduction, frame.height // reduction)
    return cv2.resize(plane, size, interpolation=cv2.INTER_AREA)


def _lying(alpha: Plane, frame: Frame, plan: Plan, key_light: float, reduction: int) -> Plane:
    offset = int(0.018 * max(frame.width, frame.height))
    below = _reduced(frame.canvas(alpha, int(-key_light * offset), offset), frame, reduction)
    width = below.shape[1]
    wide = gaussian(below, 0.012 * width * SOFTNESS.get(plan.light, 1.0))
    return 0.55 * wide + 0.30 * gaussian(below, 0.004 * width)


def _below_floating(frame: Frame, reduction: int) -> Plane:
    pool = np.zeros((frame.height // reduction, frame.width // reduction), np.float32)
    centre = (frame.centre // reduction, int((frame.base + 0.10 * frame.height) / reduction))
    width = frame.product_width / reduction
    cv2.ellipse(pool, centre, (int(width * 0.36), max(1, int(width * 0.05))), 0, 0, 360, 1, -1)
    return 0.5 * gaussian(pool, 0.02 * pool.shape[1])


def _cast(alpha: Plane, frame: Frame, plan: Plan, key_light: float, reduction: int) -> Plane:
    """The silhouette laid on the floor, sheared away from the light, softer with distance."""
    height, width = frame.height // reduction, frame.width // reduction
    depth = max(4, int(frame.product_height * FLATNESS))
    laid = np.zeros((height, width), np.float32)
    sheared, shift = _sheared(alpha, frame, key_light, depth // reduction, reduction)
    top = (frame.base - depth) // reduction + max(1, int(0.010 * frame.product_height / reduction))
    left = frame.left // reduction - (shift if key_light >= 0 else 0)
    _paste(laid, sheared, left, top)
    softness = width * SOFTNESS.get(plan.light, 1.0)
    near, far = gaussian(laid, max(0.6, 0.008 * softness)), gaussian(laid, max(1, 0.028 * softness))
    rows = np.arange(height, dtype=np.float32)
    distance = np.clip((frame.base / reduction - rows) / max(1, depth / reduction), 0, 1)[:, None]
    strength = (0.46 - 0.22 * distance) * STRENGTH.get(plan.light, 1.0)
    return np.asarray((near * (1 - distance) + far * distance) * strength)


def _sheared(alpha: Plane, frame: Frame, key_light: float, depth: int, reduction: int) -> tuple[Plane, int]:
    """The flattened silhouette, its far rows moved away from the light, and by how much at most."""
    size = (max(2, frame.product_width // reduction), max(2, depth))
    flat = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    shift = int(abs(key_light) * SHEAR * frame.product_height / reduction)
    sheared = np.zeros((size[1], size[0] + shift), np.float32)
    for row in range(size[1]):
        distance = 1 - row / max(1, size[1] - 1)
        offset = int((distance if key_light < 0 else 1 - distance) * shift)
        sheared[row, offset : offset + size[0]] = flat[row]
    return sheared, shift


def _paste(canvas: Plane, piece: Plane, left: int, top: int) -> None:
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(canvas.shape[0], top + piece.shape[0]), min(canvas.shape[1], left + piece.shape[1])
    if y1 > y0 and x1 > x0:
        canvas[y0:y1, x0:x1] = piece[y0 - top : y1 - top, x0 - left : x1 - left]


def _contact(alpha: Plane, frame: Frame, reduction: int) -> Plane:
    """The foot of the silhouette pushed down a little, so that it follows a curved base."""
    rows = np.arange(frame.product_height, dtype=np.float32) / frame.product_height
    foot = alpha * np.clip((rows - 0.80) / 0.16, 0, 1)[:, None]
    layers = []
    for down, strength, blur in CONTACTS:
        moved = _reduced(frame.canvas(foot, 0, int(down * frame.product_height)), frame, reduction)
        layers.append(strength * gaussian(moved, max(0.7, blur * moved.shape[1])))
    return np.asarray(np.max(layers, axis=0))


def reflect(image: Pixels, rgb: Pixels, alpha: Plane, frame: Frame, gloss: float) -> None:
    """Mirrors every column about its own foot into `image`, so that a curved base reflects as one."""
    height = frame.product_height
    above = int(0.14 * height)  # a curved foot ends above the base line
    rows = min(int(height * FOOT), frame.height - frame.base) + above
    if rows <= above + 4:
        return
    foot = _foot_line(alpha)
    positions = np.arange(rows, dtype=np.float32)[:, None] + height - above
    source_y = (2 * foot[None] - positions).astype(np.float32)
    source_x = np.broadcast_to(np.arange(alpha.shape[1], dtype=np.float32), source_y.shape).copy()
    colours = cv2.remap(rgb, source_x, source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    cover = cv2.remap(alpha, source_x, source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    below = positions - foot[None]
    cover = cover * (below > 0) * np.clip(1 - below / (rows - above), 0, 1) ** 1.6 * gloss
    _blend(image[frame.base - above : frame.base - above + rows], colours, cover, frame)


def _foot_line(alpha: Plane) -> Plane:
    """The lowest row of each column; columns that end high (a handle) count as standing on the base."""
    last = len(alpha) - 1.0
    solid = alpha > 0.5
    foot = last - np.argmax(solid[::-1], 0).astype(np.float32)
    foot[~solid.any(0)] = last
    smooth = cv2.medianBlur(foot.reshape(1, -1), 5).ravel()
    return np.where(foot > 0.86 * len(alpha), smooth, last)


def _blend(strip: Pixels, colours: Pixels, cover: Plane, frame: Frame) -> None:
    left, right = max(0, frame.left), min(frame.width, frame.left + frame.product_width)
    inside = np.s_[:, left - frame.left : right - frame.left]
    full, full_cover = np.zeros_like(strip), np.zeros(strip.shape[:2], np.float32)
    full[:, left:right], full_cover[:, left:right] = colours[inside], cover[inside]
    sigma = max(0.6, 0.0022 * frame.width)
    full = gaussian(full * full_cover[..., None], sigma)
    strip *= 1 - gaussian(full_cover, sigma)[..., None]
    strip += full

"""Pictures to test with: products whose outline is known because it was drawn, and files of every kind."""

import io
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import skimage.data
from PIL import Image

Pixels = npt.NDArray[np.uint8]

PHOTOS = Path(skimage.data.__file__).parent


def photo(name: str) -> bytes:
    """One of scikit-image's pictures, as a file."""
    return (PHOTOS / name).read_bytes()


def encode(pixels: npt.NDArray[Any] | Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    encoded = io.BytesIO()
    image.save(encoded, kind, **options)
    return encoded.getvalue()


def mug(
    side: int = 320, colour: tuple[int, int, int] = (32, 96, 142), *, dust: Sequence[tuple[float, float]] = ()
) -> tuple[Pixels, Pixels]:
    """A shaded mug on a studio sweep with a soft contact shadow, and its true mask (0 and 1).

    `dust` are places for dark specks, as shares of the side.
    """
    mask = _mug_mask(side)
    x = np.linspace(-1, 1, side, dtype=np.float32)
    y = x[:, None]
    backdrop = np.array([236, 234, 230], np.float32) * (1.02 - 0.08 * (x**2 + y**2))[..., None]
    shadow = np.zeros((side, side), np.float32)
    base = (round(0.50 * side), round(0.765 * side))
    cv2.ellipse(shadow, base, (round(0.25 * side), round(0.05 * side)), 0, 0, 360, 1, -1)
    backdrop *= (1 - 0.4 * cv2.GaussianBlur(shadow, (0, 0), 0.02 * side))[..., None]
    across = np.clip((x + 0.06) / 0.38, -1, 1)
    shading = 0.45 + 0.65 * np.clip(0.8 * np.sqrt(1 - across**2) - 0.5 * across, 0, 1)
    body = np.array(colour, np.float32) * shading[None, :, None] * np.ones((side, 1, 1), np.float32)
    picture = np.where(mask[..., None] > 0, body, backdrop)
    for x_share, y_share in dust:
        cv2.circle(picture, (round(x_share * side), round(y_share * side)), 2, (12, 30, 45), -1, cv2.LINE_AA)
    picture += np.random.default_rng(1).standard_normal(picture.shape) * 1.5
    return np.clip(picture, 0, 255).astype(np.uint8), mask


def _mug_mask(side: int) -> Pixels:
    def at(share: float) -> int:
        return round(share * side)

    mask = np.zeros((side, side), np.uint8)
    handle = ((at(0.66), at(0.5)), (at(0.095), at(0.12)))
    cv2.ellipse(mask, *handle, 0, -90, 90, 1, at(0.035))
    cv2.rectangle(mask, (at(0.28), at(0.30)), (at(0.66), at(0.74)), 1, -1)
    for y in (0.30, 0.74):
        cv2.ellipse(mask, (at(0.47), at(y)), (at(0.19), at(0.045)), 0, 0, 360, 1, -1)
    return mask


SHIRT = (
    *((0.50, 0.227), (0.455, 0.218), (0.415, 0.19), (0.39, 0.15), (0.30, 0.175), (0.235, 0.205)),
    *(
        (0.165, 0.30),
        (0.115, 0.385),
        (0.235, 0.455),
        (0.278, 0.395),
        (0.278, 0.72),
        (0.272, 0.885),
        (0.5, 0.90),
    ),
)
"""Left half of a T-shirt's outline, from the neckline to the hem."""
LONG_SLEEVE = ((0.185, 0.33), (0.105, 0.79), (0.20, 0.815), (0.278, 0.44))


def shirt(
    side: int = 320,
    colour: tuple[int, int, int] = (28, 120, 110),
    *,
    stripes: tuple[int, int, int] | None = None,
    backdrop: tuple[int, int, int] = (240, 238, 235),
    long: bool = False,
) -> tuple[Pixels, Pixels]:
    """A flat-lay top with folds, seams and a soft shadow on a backdrop, and its true mask (0 and 1)."""
    left = [*SHIRT[:6], *LONG_SLEEVE, *SHIRT[10:]] if long else list(SHIRT)
    outline = np.array(left + [(1 - x, y) for x, y in reversed(left)])
    mask = np.zeros((side, side), np.uint8)
    cv2.fillPoly(mask, [(outline * side).astype(np.int32)], 1)
    shadow = cv2.GaussianBlur(np.roll(mask, side // 100, (0, 1)).astype(np.float32), (0, 0), 0.008 * side)
    picture = np.array(backdrop, np.float32) * (1 - 0.38 * shadow)[..., None]
    cloth = np.full((side, side, 3), colour, np.float32)
    if stripes is not None:
        rows = np.linspace(0, 1, side)
        cloth[((rows * 16) % 1 < 0.38) & (rows > 0.24)] = stripes
    noise = np.random.default_rng(3).standard_normal((side, side)).astype(np.float32)
    folds = cv2.GaussianBlur(noise, (0, 0), sigmaX=0.02 * side, sigmaY=0.12 * side)
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, 5) / (0.02 * side)
    cloth *= ((1 + 0.05 * folds / folds.std()) * (0.80 + 0.20 * np.clip(depth, 0, 1)))[..., None]
    picture = np.where(mask[..., None] > 0, cloth, picture)
    for start, end in (
        ((0.235, 0.205), (0.282, 0.41)),
        ((0.765, 0.205), (0.718, 0.41)),
        ((0.272, 0.868), (0.728, 0.868)),
    ):
        first, last = ((round(x * side), round(y * side)) for x, y in (start, end))
        cv2.line(picture, first, last, [0.78 * value for value in colour], max(1, side // 600), cv2.LINE_AA)
    return np.clip(picture + 1.5 * noise[..., None], 0, 255).astype(np.uint8), mask


def png_bomb(width: int, height: int) -> bytes:
    """A PNG that claims this size and holds almost none of its pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 4096)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def jpeg_bomb(side: int, scans: int) -> bytes:
    """A small black JPEG whose last scan is there so many times more: each costs the decoder a whole pass."""
    data = encode(Image.new("L", (side, side)), "JPEG", progressive=True)
    end = len(data) - 2
    last = data[max(data.rfind(b"\xff\xc4"), data.rfind(b"\xff\xda", 0, data.rfind(b"\xff\xda"))) : end]
    return data[:end] + last * scans + data[end:]


def damaged(data: bytes) -> bytes:
    """With noise in the middle, where the pixels are."""
    at = len(data) // 2
    return data[:at] + np.random.default_rng(1).bytes(200) + data[at + 200 :]

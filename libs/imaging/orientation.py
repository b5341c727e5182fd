"""How a picture has to be turned for being looked at: what its EXIF says, where browsers read it.

Pillow would also take the word of XMP and of text chunks, and decode a whole PNG in case EXIF follows its pixels.
"""

import struct

from PIL import Image

from libs.imaging.containers import jpeg_segments, png_chunks, riff_chunks

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = frozenset({5, 6, 7, 8})

EXIF = b"Exif\0\0"
ORIENTATION_TAG = 0x0112
SHORT = 3
WEBP_HAS_EXIF = 0x08
"""In the flags of an extended file."""


def orientation(data: bytes, kind: str | None) -> int:
    """1 to 8, as in EXIF: a key of `TURNS`, or 1 for a picture that is upright or has no EXIF that can be read."""
    tiff = _exif(data, kind).removeprefix(EXIF)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    return _tagged(tiff, order) if order else 1


def _exif(data: bytes, kind: str | None) -> bytes:
    match kind:
        case "png":
            return _png_exif(data)
        case "jpeg":
            segments = (data[at + 4 : end] for marker, at, end in jpeg_segments(data) if marker == 0xE1)
            return next((body for body in segments if body.startswith(EXIF)), b"")
        case "webp" if data[12:16] == b"VP8X" and data[20] & WEBP_HAS_EXIF:
            return next((body for name, body in riff_chunks(data) if name == b"EXIF"), b"")
        case _:
            return b""


def _png_exif(data: bytes) -> bytes:
    """Only before the pixels: the standard wants it there, and browsers ignore it behind them."""
    for name, start, end in png_chunks(data):
        if name == b"eXIf":
            return data[start + 8 : end - 4]
        if name == b"IDAT":
            break
    return b""


def _tagged(tiff: bytes, order: str) -> int:
    try:
        (at,) = struct.unpack_from(f"{order}I", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, at)
        for entry in range(entries):
            tag, kind, count, value = struct.unpack_from(f"{order}HHIH2x", tiff, at + 2 + 12 * entry)
            if tag == ORIENTATION_TAG:
                return value if (kind, count) == (SHORT, 1) and value in TURNS else 1
    except struct.error:  # damaged EXIF hides the orientation, not the picture
        pass
    return 1

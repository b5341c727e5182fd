"""Whether a PNG file has all its pixels, found without making them: its rows are inflated and let go."""

import struct
import zlib
from collections.abc import Iterator

from libs.imaging.containers import png_chunks

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""By colour type."""
LAST_FILTER = 4
STEP = 1 << 18
"""Bytes inflated at a time."""


def is_interlaced(data: bytes) -> bool:
    return data[12:16] == b"IHDR" and data[28] != 0


def has_all_rows(data: bytes) -> bool:
    """Of a file that `inspect` has passed and that is not interlaced; needs `STEP` bytes, however large it is."""
    first, width, height, depth, colour = struct.unpack(">4sIIBB", data[12:26])
    if first != b"IHDR" or colour not in CHANNELS:
        return False
    row = 1 + (width * CHANNELS[colour] * depth + 7) // 8
    total, done = row * height, 0
    try:
        for piece in _inflated(data, total):
            filters = piece[-done % row :: row]  # every row's first byte
            if max(filters, default=0) > LAST_FILTER:
                return False
            done += len(piece)
    except zlib.error:
        return False
    return bool(done == total)


def _inflated(data: bytes, most: int) -> Iterator[bytes]:
    """What the IDAT chunks hold, in pieces, and no more of it than `most` bytes."""
    inflate = zlib.decompressobj()
    for name, start, end in png_chunks(data):
        rest = data[start + 8 : end - 4] if name == b"IDAT" else b""
        while rest and most:
            piece = inflate.decompress(rest, min(STEP, most))
            most -= len(piece)
            rest = inflate.unconsumed_tail
            yield piece

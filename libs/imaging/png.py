"""Whether a plain PNG is whole, found without making its pixels: its rows are inflated, looked at and let go."""

import zlib
from collections.abc import Iterator

from libs.imaging.containers import png_chunks

CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}
"""By colour type, without palettes."""
PLAIN = bytes([0, 0, 0])
"""Compression, filter method and interlacing as nearly every file has them."""
LAST_FILTER = 4
AFTER = {b"": {b"IHDR"}, b"IDAT": {b"IDAT", b"IEND"}, b"IEND": set[bytes]()}
NOT_BETWEEN = {b"IHDR", b"IEND", b"acTL", b"fcTL", b"fdAT"}
"""Before the pixels."""
STEP = 1 << 16
"""Bytes looked at in one go, packed or inflated: cost and memory are in proportion, whatever the file claims."""


def is_whole(data: bytes) -> bool | None:
    """Whether the pixels of a plain file are all there; None says that only decoding will tell.

    Plain is 8-bit grey, RGB and their forms with alpha, as nearly all are. Of a file that `inspect` has passed: its
    checksums are right.
    """
    if not _in_order(data):
        return None
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    depth, colour, *rest = data[24:29]
    if depth != 8 or colour not in CHANNELS or bytes(rest) != PLAIN:
        return None
    try:
        return _has_rows(_pixels(data), 1 + width * CHANNELS[colour], height)
    except zlib.error:
        return False


def _in_order(data: bytes) -> bool:
    """One header, then what there is, then all pixels, then the end, and nothing that moves; keeps no chunk."""
    last = b""
    for name, _, _ in png_chunks(data):
        expected = AFTER.get(last)
        wrong = name not in expected if expected is not None else name in NOT_BETWEEN
        if wrong:
            return False
        last = name
    return last == b"IEND"


def _pixels(data: bytes) -> Iterator[memoryview]:
    whole = memoryview(data)
    return (whole[start + 8 : end - 4] for name, start, end in png_chunks(data) if name == b"IDAT")


def _has_rows(pixels: Iterator[memoryview], row: int, height: int) -> bool:
    """Whether they inflate to `height` rows of `row` bytes, each with a filter that there is; more does no harm."""
    inflate, done = zlib.decompressobj(), 0
    for piece in _inflated(inflate, pixels):
        filters = piece[-done % row : row * height - done : row]  # the first byte of every row
        if max(filters, default=0) > LAST_FILTER:
            return False
        done += len(piece)
        if done > row * height:
            return True
    return inflate.eof and done == row * height


def _inflated(inflate: "zlib._Decompress", pixels: Iterator[memoryview]) -> Iterator[bytes]:
    for chunk in pixels:
        for at in range(0, len(chunk), STEP):
            packed: bytes | memoryview = chunk[at : at + STEP]
            while packed and not inflate.eof:
                yield inflate.decompress(packed, STEP)
                packed = inflate.unconsumed_tail

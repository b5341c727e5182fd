"""A PNG's rows are counted, whatever a pixel takes, and never kept."""

import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from libs.common.errors import Invalid
from libs.imaging import png
from libs.imaging.containers import PNG_SIGNATURE, png_chunks
from libs.imaging.decode import check_pixels
from tests.libs.imaging.drawings import encode, mug

MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
PNG = encode(mug(200)[0])


def drawn(mode: str) -> bytes:
    """101 pixels wide, so that rows of one bit a pixel end within a byte."""
    if mode == "I;16":
        return encode(Image.fromarray(np.arange(101 * 101, dtype=np.uint16).reshape(101, 101)))
    return encode(Image.fromarray(mug(101)[0]).convert(mode))


def chunk(name: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")


def with_rows(data: bytes, rows: bytes) -> bytes:
    """The same file with these rows, in two chunks, every checksum right."""
    packed = zlib.compress(rows)
    half = len(packed) // 2
    kept = {name: data[start:end] for name, start, end in png_chunks(data)}
    pixels = chunk(b"IDAT", packed[:half]) + chunk(b"IDAT", packed[half:])
    palette = kept.get(b"PLTE", b"")
    return PNG_SIGNATURE + kept[b"IHDR"] + palette + pixels + kept[b"IEND"]


def rows_of(data: bytes) -> bytes:
    return zlib.decompress(
        b"".join(data[start + 8 : end - 4] for name, start, end in png_chunks(data) if name == b"IDAT")
    )


@pytest.mark.parametrize("mode", MODES)
def test_one_byte_too_few_is_damage(mode: str) -> None:
    data = drawn(mode)
    rows = rows_of(data)
    for whole in (data, with_rows(data, rows), with_rows(data, rows + b"more")):
        check_pixels(whole)
    with pytest.raises(Invalid) as refusal:
        check_pixels(with_rows(data, rows[:-1]))
    assert refusal.value.code == "image_damaged"


@pytest.mark.parametrize("row", [0, 1, 100])
def test_an_unknown_filter_is_damage(row: int) -> None:
    data = drawn("RGB")
    rows = bytearray(rows_of(data))
    rows[row * (1 + 3 * 101)] = 5
    with pytest.raises(Invalid):
        check_pixels(with_rows(data, bytes(rows)))


def test_the_header_comes_first() -> None:
    with pytest.raises(Invalid):
        check_pixels(PNG_SIGNATURE + chunk(b"tEXt", b"k\0v") + PNG[8:])


def test_a_large_picture_is_not_held() -> None:
    data = encode(Image.new("RGB", (4000, 4000)))
    tracemalloc.start()
    try:
        assert png.has_all_rows(data)
        assert tracemalloc.get_traced_memory()[1] < 4 * png.STEP, "48 MB of pixels"
    finally:
        tracemalloc.stop()

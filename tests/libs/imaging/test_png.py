"""A plain PNG is known to be whole or damaged by its rows; of all others Pillow makes the pixels."""

import io
import random
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from libs.common.errors import DomainError
from libs.imaging.containers import PNG_SIGNATURE, png_chunks
from libs.imaging.decode import check_pixels, inspect
from libs.imaging.png import STEP, is_whole
from tests.libs.imaging.drawings import encode, mug

SIDE = 101
PICTURE = Image.fromarray(mug(SIDE)[0])
ROW = 1 + 3 * SIDE
Chunks = list[tuple[bytes, bytes]]


def unpacked(data: bytes) -> Chunks:
    return [(name, data[start + 8 : end - 4]) for name, start, end in png_chunks(data)]


def packed(chunks: Chunks) -> bytes:
    """With every checksum right."""
    return PNG_SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


HEADER, *_, END = unpacked(encode(PICTURE))
ROWS = zlib.decompress(b"".join(body for name, body in unpacked(encode(PICTURE)) if name == b"IDAT"))
PIXELS = (b"IDAT", zlib.compress(ROWS))
TEXT = (b"tEXt", b"Title\0a mug")


def pixels_of(rows: bytes) -> tuple[bytes, bytes]:
    return (b"IDAT", zlib.compress(rows))


def header(width: int = SIDE, height: int = SIDE) -> tuple[bytes, bytes]:
    return (b"IHDR", struct.pack(">II", width, height) + HEADER[1][8:])


def in_pieces(size: int) -> Chunks:
    return [(b"IDAT", PIXELS[1][at : at + size]) for at in range(0, len(PIXELS[1]), size)]


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_ordinary_files_are_known_to_be_whole(mode: str) -> None:
    for options in ({}, {"optimize": True}, {"compress_level": 0}, {"icc_profile": b"p"}, {"dpi": (72, 72)}):
        assert is_whole(encode(PICTURE.convert(mode), **options))
    assert is_whole(packed([HEADER, TEXT, *in_pieces(1000), END]))
    assert is_whole(packed([HEADER, pixels_of(ROWS + bytes(ROW)), END])), "more does no harm"


@pytest.mark.parametrize(
    "data",
    [
        encode(PICTURE.convert("P")),
        encode(PICTURE.convert("1")),
        encode(Image.fromarray(np.full((SIDE, SIDE), 40_000, np.uint16))),
        encode(PICTURE, save_all=True, append_images=[PICTURE.rotate(90)]),
        packed([HEADER, PIXELS, TEXT, END]),
    ],
    ids=["palette", "one bit", "16 bits", "animation", "text at the end"],
)
def test_of_rarer_files_pillow_makes_the_pixels(data: bytes) -> None:
    assert inspect(data)
    assert is_whole(data) is None
    check_pixels(data)


@pytest.mark.parametrize(
    "chunks",
    [
        [HEADER, pixels_of(ROWS[:-1]), END],
        [HEADER, pixels_of(ROWS[: -5 * ROW]), END],
        [HEADER, pixels_of(ROWS[:ROW] + b"\5" + ROWS[ROW + 1 :]), END],
        [HEADER, (b"IDAT", PIXELS[1][:-200]), END],
        [HEADER, (b"IDAT", b"no deflate stream"), END],
        [header(height=SIDE + 1), PIXELS, END],
        [HEADER, header(width=5000, height=5000), PIXELS, END],
    ],
    ids=["a byte", "rows", "filter", "cut", "nonsense", "height", "second header"],
)
def test_damage_is_found(chunks: Chunks) -> None:
    data = packed(chunks)
    assert not is_whole(data)
    with pytest.raises(DomainError) as refusal:
        check_pixels(data)
    assert refusal.value.code == "image_damaged"


def test_what_is_known_to_be_whole_pillow_can_decode() -> None:
    """Files with a changed byte, under right checksums."""
    chance, known = random.Random(4), 0
    for _ in range(2000):
        chunks = [HEADER, TEXT, *in_pieces(chance.choice([300, 5000, 100_000])), END]
        at = chance.randrange(len(chunks))
        changed = bytearray(b"".join(chunks[at]))
        changed[chance.randrange(len(changed))] = chance.randrange(256)
        chunks[at] = bytes(changed[:4]), bytes(changed[4:])
        data = packed(chunks)
        if _passes(data) and is_whole(data):
            known += 1
            Image.open(io.BytesIO(data)).load()
    assert known > 10, "or nothing was tried"


def _passes(data: bytes) -> bool:
    try:
        return bool(inspect(data))
    except DomainError:
        return False


def test_cost_is_in_proportion_to_the_file() -> None:
    """Neither what a bomb would become is held, nor what is left of a large chunk copied at every step."""
    bomb = packed([header(width=8000, height=8000), (b"IDAT", zlib.compress(bytes(30_000_000))), END])
    tracemalloc.start()
    try:
        assert is_whole(bomb) is False
        assert tracemalloc.get_traced_memory()[1] < 8 * STEP
    finally:
        tracemalloc.stop()


def test_a_flood_of_empty_chunks_is_not_held() -> None:
    flood = packed([HEADER, *[(b"IDAT", b"")] * 100_000, PIXELS, END])
    tracemalloc.start()
    try:
        assert is_whole(flood)
        assert tracemalloc.get_traced_memory()[1] < 8 * STEP
    finally:
        tracemalloc.stop()


def test_of_an_animation_with_one_frame_pillow_makes_the_pixels() -> None:
    control = (b"acTL", struct.pack(">II", 1, 0))
    assert is_whole(packed([HEADER, control, PIXELS, END])) is None

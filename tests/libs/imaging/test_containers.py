"""What a file holds besides its pixels: told by its chunks and segments, whatever a decoder reads of them."""

import io
import struct
import zlib

import pytest
from PIL import Image

from libs.imaging.containers import png_chunks
from libs.imaging.decode import inspect

PICTURE = Image.effect_noise((128, 96), 50).convert("RGB")
WORDS = b"Ada, at home"


def encoded(kind: str, **options: object) -> bytes:
    data = io.BytesIO()
    PICTURE.save(data, kind, **options)
    return data.getvalue()


PNG, JPEG, WEBP = map(encoded, ("PNG", "JPEG", "WEBP"))


def png_with(name: bytes, body: bytes, before: bytes) -> bytes:
    """The chunk before the first one of that name."""
    new = struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    at = next(start for found, start, _ in png_chunks(PNG) if found == before)
    return PNG[:at] + new + PNG[at:]


def jpeg_with(marker: int, body: bytes) -> bytes:
    return JPEG[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body + JPEG[2:]


def webp_with(name: bytes, body: bytes) -> bytes:
    riff = WEBP[8:] + name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    return b"RIFF" + struct.pack("<I", len(riff)) + riff


@pytest.mark.parametrize(
    "data", [PNG, JPEG, WEBP, encoded("PNG", dpi=(72, 72)), encoded("JPEG", progressive=True)]
)
def test_pixels_alone_are_bare(data: bytes) -> None:
    assert inspect(data).bare


TOLD = {
    **{
        f"PNG {name!r} before {before!r}": png_with(name, body, before)
        for before in (b"IDAT", b"IEND")
        for name, body in {
            b"eXIf": b"MM\0*\0\0\0\x08\0\0\0\0\0\0",
            b"tEXt": b"Author\0" + WORDS,
            b"zTXt": b"Raw profile type exif\0\0" + zlib.compress(WORDS),
            b"iTXt": b"XML:com.adobe.xmp\0\0\0\0\0" + WORDS,
            b"tIME": b"\x07\xe6\1\2\3\4\5",
            b"prVt": WORDS,
        }.items()
    },
    "PNG, more after its end": PNG + WORDS,
    **{f"JPEG {marker:x}": jpeg_with(marker, WORDS) for marker in (0xFE, 0xE1, 0xE2, 0xE5, 0xED)},
    "JPEG, motion after its end": JPEG + b"\0\0\0\x18ftypmp42" + WORDS,
    **{f"WebP {name!r}": webp_with(name, WORDS) for name in (b"EXIF", b"XMP ", b"abcd")},
    "WebP, more after its end": WEBP + WORDS,
}


@pytest.mark.parametrize("case", TOLD)
def test_whatever_else_a_file_tells_it_is_not_bare(case: str) -> None:
    assert not inspect(TOLD[case]).bare

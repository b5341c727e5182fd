"""What a file holds besides its pixels: told by its chunks and segments, whatever a decoder reads of them."""

import io
import struct
import zlib

import pytest
from PIL import Image

from libs.common.errors import Invalid
from libs.imaging.containers import LIMIT_PARTS, png_chunks
from libs.imaging.decode import check_pixels, inspect, opacity, open_rgb

PICTURE = Image.effect_noise((128, 96), 50).convert("RGB")
WORDS = b"Ada, at home"


def encoded(kind: str, **options: object) -> bytes:
    data = io.BytesIO()
    PICTURE.save(data, kind, **options)
    return data.getvalue()


PNG, JPEG, WEBP = map(encoded, ("PNG", "JPEG", "WEBP"))


def png_with(name: bytes, body: bytes, before: bytes, times: int = 1) -> bytes:
    """The chunk, so many times, before the first one of that name."""
    new = struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    at = next(start for found, start, _ in png_chunks(PNG) if found == before)
    return PNG[:at] + times * new + PNG[at:]


def jpeg_with(marker: int, body: bytes, times: int = 1) -> bytes:
    segment = bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body
    return JPEG[:2] + times * segment + JPEG[2:]


def webp_with(name: bytes, body: bytes, times: int = 1) -> bytes:
    riff = WEBP[8:] + times * (name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2))
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


LIMIT_PNG, LIMIT_JPEG, LIMIT_WEBP = LIMIT_PARTS["png"], LIMIT_PARTS["jpeg"], LIMIT_PARTS["webp"]
TABLES = 500 * (b"\0" + bytes([1] * 64))
PROFILE = b"a\0\0" + zlib.compress(bytes(1_000_000))
CROWDED = {
    **{f"PNG {name!r}": png_with(name, b"", b"IDAT", LIMIT_PNG) for name in (b"prVt", b"tEXt", b"IDAT")},
    "PNG behind its pixels": png_with(b"prVt", b"", b"IEND", LIMIT_PNG),
    "PNG profiles": png_with(b"iCCP", PROFILE, b"IDAT", 11),
    **{f"JPEG {marker:x}": jpeg_with(marker, b"", LIMIT_JPEG) for marker in (0xFE, 0xE1, 0xDB, 0xC4)},
    "JPEG tables": jpeg_with(0xDB, TABLES, 2),
    "JPEG padding": JPEG[:2] + b"\xff" * 65 * LIMIT_JPEG + JPEG[2:],
    "WebP": webp_with(b"abcd", b"", LIMIT_WEBP),
}


@pytest.mark.parametrize("case", CROWDED)
def test_a_crowd_of_chunks_is_refused_before_a_decoder_sees_them(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(Image, "open")
    for function in (inspect, opacity, open_rgb):
        with pytest.raises(Invalid) as refusal:
            function(CROWDED[case])
        assert refusal.value.code == "too_many_chunks"


@pytest.mark.parametrize("marker", [0x00, 0xC8, *range(0xD0, 0xDA), 0xF0])
def test_no_crowd_hides_behind_a_marker_without_a_length(marker: int) -> None:
    pair = bytes([0xFF, marker])
    hidden = (pair * 40_000)[: 2 + int.from_bytes(pair, "big")]
    with pytest.raises(Invalid) as refusal:
        inspect(JPEG[:2] + hidden + JPEG[2:])
    assert refusal.value.code == "image_truncated"


TIDY = {
    "half the chunks that a PNG may have": png_with(b"prVt", b"", b"IEND", LIMIT_PNG // 2),
    "a long profile and long XMP in a JPEG": jpeg_with(0xE2, bytes(1000), LIMIT_JPEG // 2),
    "PNG, nothing after its end": PNG + bytes(20 * LIMIT_PNG),
    "WebP, nothing after its end": WEBP + bytes(20 * LIMIT_WEBP),
}


@pytest.mark.parametrize("case", TIDY)
def test_what_real_files_hold_is_no_crowd(case: str) -> None:
    assert inspect(TIDY[case]).width == PICTURE.width
    check_pixels(TIDY[case])


@pytest.mark.parametrize(
    "name", ["icc_profile", "transparency", "interlace", "bbox", "exif", "gamma", "dpi", "xmp"]
)
def test_a_text_under_the_name_of_something_else_is_but_a_text(name: str) -> None:
    data = png_with(b"tEXt", name.encode() + b"\0words", b"IDAT")
    assert inspect(data).width == PICTURE.width
    if name == "bbox":  # Pillow's own reading takes it for the pixels' place
        with pytest.raises(Invalid):
            open_rgb(data)
    else:
        assert open_rgb(data).tobytes() == PICTURE.tobytes()
        assert opacity(data) == (255, 255)

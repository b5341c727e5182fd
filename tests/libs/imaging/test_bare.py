"""What is handed out tells where it comes from, and not a word of what anybody asked for."""

import io
import zlib
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from libs.imaging import bare, metadata
from libs.imaging.containers import jpeg_segment, png_chunk, png_chunks, riff_chunks, webp
from libs.imaging.decode import check_pixels, inspect, open_rgb
from libs.imaging.metadata import DigitalSource, Mark
from tests.libs.imaging.drawings import encode, mug
from tests.libs.imaging.test_metadata import FORMATS, pixels

SECRET = b"a secret plan"
RECORD = {
    "prompt": "a secret plan",
    "seed": 7,
    "used_words": ["secret"],
    "excluded_words": ["plan"],
    "design": {"mark": "cup", "history": ["a secret plan"]},
    "references": ["abc"],
}
MARK = Mark(DigitalSource.GENERATED, RECORD)
KEPT = Mark(DigitalSource.GENERATED, {"seed": 7, "design": {"mark": "cup"}, "references": ["abc"]})
ORIENTATION, DESCRIPTION = 0x0112, 0x010E


def told(orientation: int = 1) -> dict[str, Any]:
    """For Pillow: EXIF that tells the plan."""
    exif = Image.Exif()
    exif[ORIENTATION], exif[DESCRIPTION] = orientation, SECRET.decode()
    return {"exif": exif}


@pytest.mark.parametrize("kind", FORMATS)
def test_an_export_keeps_the_origin_and_no_prompt(kind: str) -> None:
    marked = metadata.embed(FORMATS[kind], MARK)
    exported = bare.export(marked)
    assert metadata.read(exported) == KEPT
    assert b"secret" in marked
    assert b"secret" not in exported
    assert pixels(exported) == pixels(FORMATS[kind])
    assert bare.export(FORMATS[kind]) == FORMATS[kind], "there is nothing to take away"
    assert bare.export(exported) == exported


def png_telling() -> bytes:
    """In every kind of text chunk, and in two of which only their writers know."""
    info = PngInfo()
    info.add_text("parameters", SECRET.decode())
    info.add_text("Comment", SECRET.decode(), zip=True)
    info.add_itxt("prompt", SECRET.decode())
    data = encode(mug(120)[0], pnginfo=info, **told())
    end = next(start for name, start, _ in png_chunks(data) if name == b"IEND")
    return data[:end] + png_chunk(b"caBX", SECRET) + png_chunk(b"prMt", SECRET) + data[end:] + SECRET


def jpeg_telling(**how: Any) -> bytes:
    """In a comment, EXIF, IPTC, a manifest; between the scans of a progressive file, and behind its end."""
    data = encode(mug(120)[0], "JPEG", comment=SECRET, **told(), **how)
    said = b"".join(jpeg_segment(marker, SECRET) for marker in (0xE1, 0xE2, 0xEB, 0xED, 0xFE))
    last = data.rindex(b"\xff\xda") if how else data.index(b"\xff\xda")
    return data[:last] + said + data[last:] + SECRET


def webp_telling(**how: Any) -> bytes:
    data = encode(mug(120)[0], "WEBP", **told(), **how)
    return webp([*riff_chunks(data), (b"C2PA", SECRET), (b"note", SECRET)]) + SECRET


TELLING = {
    "PNG": png_telling(),
    "JPEG": jpeg_telling(),
    "progressive JPEG": jpeg_telling(progressive=True),
    "WebP": webp_telling(),
    "lossless WebP": webp_telling(lossless=True),
}


@pytest.mark.parametrize("kind", TELLING)
def test_whoever_else_wrote_the_prompt_into_the_file_wrote_in_vain(kind: str) -> None:
    data = metadata.embed(TELLING[kind], MARK)
    exported = bare.export(data)
    assert data.count(b"secret") > 3
    assert b"secret" not in exported
    for name, start, end in png_chunks(exported) if kind == "PNG" else ():
        assert name not in (b"tEXt", b"zTXt"), zlib.decompress(exported[start:end])
    assert metadata.read(exported) == KEPT
    assert pixels(exported) == pixels(TELLING[kind])
    inspect(exported)
    check_pixels(exported)


@pytest.mark.parametrize("kind", TELLING)
def test_what_has_no_mark_tells_nothing_either(kind: str) -> None:
    exported = bare.export(TELLING[kind])
    assert inspect(exported).bare
    assert metadata.read(exported) is None


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_turned_as_before(kind: str, orientation: int) -> None:
    data = metadata.embed(encode(mug(120)[0][:80], kind, **told(orientation)), MARK)
    exported = bare.export(data)
    assert b"secret" not in exported
    assert open_rgb(exported).tobytes() == open_rgb(data).tobytes()
    assert inspect(exported).width == inspect(data).width


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_its_colours_are_what_they_were(kind: str) -> None:
    profile = b"a profile" * 20_000
    exported = bare.export(metadata.embed(encode(mug(120)[0], kind, icc_profile=profile), MARK))
    with Image.open(io.BytesIO(exported)) as image:
        assert image.info["icc_profile"] == profile


def test_what_is_no_picture_is_not_handed_out() -> None:
    with pytest.raises(ValueError, match="no image"):
        bare.export(b"no picture")

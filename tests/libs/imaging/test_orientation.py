"""A picture is told of, and decoded, as browsers show it: turned by its EXIF, where they read it."""

import io

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from libs.imaging.decode import inspect, open_rgb
from libs.imaging.orientation import orientation
from tests.libs.imaging.drawings import Pixels, encode
from tests.libs.imaging.test_containers import png_with

WIDTH, HEIGHT = 120, 80
BACK = {1: 0, 3: 2, 6: 1, 8: 3}
"""Quarter turns that undo what the orientation asks for."""


def upright() -> Pixels:
    """White in its top left quarter."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[: HEIGHT // 2, : WIDTH // 2] = 255
    return pixels


def tiff(value: int, order: str = "big", kind: int = 3, tag: int = 0x0112) -> bytes:
    """An EXIF block with one entry."""

    def number(content: int, size: int) -> bytes:
        return content.to_bytes(size, order)  # type: ignore[arg-type]

    entry = number(tag, 2) + number(kind, 2) + number(1, 4)
    entry += number(value, 2) + bytes(2) if kind == 3 else number(value, 4)
    head = b"MM\0*" if order == "big" else b"II*\0"
    return head + number(8, 4) + number(1, 2) + entry + bytes(4)


def turned(kind: str, value: int, exif: bytes) -> bytes:
    stored = np.ascontiguousarray(np.rot90(upright(), BACK[value]))
    return encode(stored, kind, exif=exif, quality=95)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("order", ["big", "little"])
@pytest.mark.parametrize("value", [3, 6, 8])
def test_exif_turns_what_is_told_and_what_is_decoded(kind: str, order: str, value: int) -> None:
    exif = tiff(value, order)
    data = turned(kind, value, exif if kind == "PNG" else b"Exif\0\0" + exif)
    assert (inspect(data).width, inspect(data).height) == (WIDTH, HEIGHT)
    picture = np.asarray(open_rgb(data))
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert picture[: HEIGHT // 2 - 4, : WIDTH // 2 - 4].mean() > 240
    assert picture[HEIGHT // 2 + 4 :].mean() < 15


def test_exif_of_a_webp_counts_with_and_without_its_prefix() -> None:
    for exif in (tiff(6), b"Exif\0\0" + tiff(6)):
        data = encode(upright(), "WEBP", exif=exif)
        assert orientation(data, "webp") == 6
        unannounced = data[:20] + bytes([data[20] & ~0x08]) + data[21:]
        assert orientation(unannounced, "webp") == 1


def words(**texts: str) -> PngInfo:
    info = PngInfo()
    for name, text in texts.items():
        info.add_itxt(name.replace("_", " "), text)
    return info


XMP = '<rdf:Description tiff:Orientation="6"/>'
UNTURNED = {
    "PNG, EXIF behind its pixels": png_with(b"eXIf", tiff(6), b"IEND"),
    "PNG, EXIF in a text chunk": encode(
        upright(), pnginfo=words(Raw_profile_type_exif=f"\nexif\n26\n{tiff(6).hex()}\n")
    ),
    "PNG, XMP": encode(upright(), pnginfo=words(**{"XML:com.adobe.xmp": XMP})),
    "JPEG, XMP": encode(upright(), "JPEG", xmp=XMP.encode()),
    "WebP, XMP": encode(upright(), "WEBP", xmp=XMP.encode()),
    "no such orientation": encode(upright(), "JPEG", exif=b"Exif\0\0" + tiff(9)),
    "an orientation of another type": encode(upright(), "JPEG", exif=b"Exif\0\0" + tiff(6, kind=4)),
    "another tag": encode(upright(), "JPEG", exif=b"Exif\0\0" + tiff(6, tag=0x0128)),
    "damaged EXIF": encode(upright(), exif=tiff(6)[:20]),
    "EXIF that points away": encode(upright(), exif=b"MM\0*\xff\xff\xff\xff" + tiff(6)[8:]),
    "no EXIF at all": encode(upright(), "JPEG", exif=b"Exif\0\0"),
}


@pytest.mark.parametrize("case", UNTURNED)
def test_what_browsers_do_not_heed_turns_nothing(case: str) -> None:
    data = UNTURNED[case]
    with Image.open(io.BytesIO(data)) as image:
        stored = image.size
    info = inspect(data)
    assert (info.width, info.height) == open_rgb(data).size == stored

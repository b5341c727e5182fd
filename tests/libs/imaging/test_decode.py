"""The guard refuses before it decodes; what it lets through becomes upright 8-bit sRGB."""

import hashlib
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from libs.common.errors import Invalid, TooLarge, UnsupportedMedia
from libs.imaging.decode import check_pixels, inspect, open_rgb
from tests.libs.imaging.drawings import damaged, encode, jpeg_bomb, mug, photo, png_bomb

GREY = Image.new("RGB", (100, 80), (90, 120, 150))
JPEG, PNG = encode(GREY, "JPEG"), encode(GREY)

REFUSED = {
    "text": (b"no image at all", UnsupportedMedia, "not_an_image"),
    "nothing": (b"", UnsupportedMedia, "not_an_image"),
    "html": (b"<html><body>an error page</body></html>", UnsupportedMedia, "not_an_image"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", UnsupportedMedia, "not_an_image"),
    "gif": (encode(GREY, "GIF"), UnsupportedMedia, "unsupported_image_type"),
    "tiff": (encode(GREY, "TIFF"), UnsupportedMedia, "unsupported_image_type"),
    "bmp": (encode(GREY, "BMP"), UnsupportedMedia, "unsupported_image_type"),
    "truncated JPEG": (JPEG[: len(JPEG) // 2], Invalid, "image_truncated"),
    "truncated PNG": (PNG[:-20], Invalid, "image_truncated"),
    "truncated WebP": (encode(GREY, "WEBP")[:-10], Invalid, "image_truncated"),
    "only a signature": (b"\x89PNG\r\n\x1a\n", Invalid, "image_truncated"),
    "a changed byte": (PNG[:60] + bytes([PNG[60] ^ 0xFF]) + PNG[61:], Invalid, "image_damaged"),
    "bomb": (png_bomb(60_000, 60_000), TooLarge, "too_many_pixels"),
    "just too many pixels": (png_bomb(10_000, 8_001), TooLarge, "too_many_pixels"),
    "a pass too many": (jpeg_bomb(100, 32), Invalid, "too_many_scans"),
    "one pixel": (encode(Image.new("RGB", (1, 1))), Invalid, "image_too_small"),
    "a thin strip": (encode(Image.new("RGB", (63, 4000))), Invalid, "image_too_small"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(case: str) -> None:
    data, kind, code = REFUSED[case]
    with pytest.raises(kind) as refusal:
        inspect(data)
    assert refusal.value.code == code


def test_tells_what_an_accepted_picture_is() -> None:
    info = inspect(JPEG)
    assert (info.format, info.mime, info.extension) == ("jpeg", "image/jpeg", "jpg")
    assert (info.width, info.height, info.animated) == (100, 80, False)
    assert (info.byte_size, info.sha256) == (len(JPEG), hashlib.sha256(JPEG).hexdigest())


def test_the_limit_counts_pixels_not_bytes() -> None:
    with pytest.raises(TooLarge):
        inspect(PNG, limit_pixels=100 * 80 - 1)
    assert inspect(PNG, limit_pixels=100 * 80).width == 100


def rotated(orientation: int) -> bytes:
    """A picture whose top left quarter is white when it is shown upright."""
    upright = np.zeros((80, 120, 3), np.uint8)
    upright[:40, :60] = 255
    undo = {3: (0, 0), 6: (1, 0), 8: (3, 0), 5: (1, 1)}[orientation]
    stored = np.rot90(upright, {3: 2, 6: 1, 8: 3, 5: 1}[orientation])
    stored = stored[::-1] if undo[1] else stored
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x8825] = {1: "N", 2: (48.0, 8.0, 0.0)}
    return encode(np.ascontiguousarray(stored), "JPEG", exif=exif, quality=95)


@pytest.mark.parametrize("orientation", [3, 6, 8, 5])
def test_turns_a_photo_upright_and_drops_its_gps(orientation: int) -> None:
    data = rotated(orientation)
    assert (inspect(data).width, inspect(data).height) == (120, 80)
    picture = open_rgb(data)
    pixels = np.asarray(picture)
    assert picture.size == (120, 80)
    assert pixels[:40, :60].mean() > 240
    assert pixels[40:].mean() < 15
    assert not picture.info
    assert not picture.getexif()


def test_converts_a_profile_to_srgb() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"----").replace(b"bXYZ", b"rXYZ").replace(b"----", b"bXYZ")
    assert open_rgb(encode(GREY, icc_profile=srgb)).getpixel((5, 5)) == (90, 120, 150)
    assert open_rgb(encode(GREY, icc_profile=swapped)).getpixel((5, 5)) == (150, 120, 90)


def with_pipeline(profile: bytes, steps: int) -> bytes:
    """With one more tag, which makes each channel brighter so many times and comes before all others."""
    tags = [struct.unpack_from(">4sII", profile, 132 + 12 * n) for n in range(profile[131])]
    matrix = b"matf\0\0\0\0" + struct.pack(">HH12f", 3, 3, 1, 0, 0, 0, 1, 0, 0, 0, 1, *[0.1] * 3)
    places = struct.pack(">II", 16 + 8 * steps, len(matrix)) * steps
    tag = b"mpet\0\0\0\0" + struct.pack(">HHI", 3, 3, steps) + places + matrix
    rows = [(name, at + 12, size) for name, at, size in tags] + [(b"D2B0", len(profile) + 12, len(tag))]
    table = struct.pack(">I", len(rows)) + b"".join(struct.pack(">4sII", *row) for row in rows)
    whole = profile[4:128] + table + profile[132 + 12 * len(tags) :] + tag
    return struct.pack(">I", len(whole) + 4) + whole


def test_a_profile_is_followed_without_its_endless_pipeline() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"----").replace(b"bXYZ", b"rXYZ").replace(b"----", b"bXYZ")
    endless = with_pipeline(swapped, 4)
    assert open_rgb(encode(GREY, icc_profile=endless)).getpixel((5, 5)) == (150, 120, 90)


def test_an_unusable_profile_is_no_reason_to_refuse() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    assert open_rgb(encode(GREY, "PNG", icc_profile=lab.tobytes())).getpixel((5, 5)) == (90, 120, 150)
    assert open_rgb(encode(GREY, "PNG", icc_profile=b"rubbish")).getpixel((5, 5)) == (90, 120, 150)


def test_reads_cmyk_16_bit_palette_and_animation() -> None:
    assert inspect(encode(GREY.convert("CMYK"), "JPEG")).format == "jpeg"
    assert open_rgb(encode(GREY.convert("CMYK"), "JPEG")).mode == "RGB"
    deep = Image.fromarray(np.full((80, 100), 40_000, np.uint16))
    assert open_rgb(encode(deep)).getpixel((9, 9)) == (155, 155, 155)
    assert open_rgb(encode(GREY.quantize(4))).getpixel((9, 9)) == (90, 120, 150)
    frames = [Image.new("RGB", (70, 70), tone) for tone in ("red", "blue")]
    moving = encode(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    assert inspect(moving).animated
    assert open_rgb(moving).getpixel((9, 9)) == (255, 0, 0)
    assert open_rgb(photo("no_time_for_that_tiny.gif")).mode == "RGB"


def test_transparency_lies_on_white_unless_it_is_kept() -> None:
    ghost = encode(Image.new("RGBA", (70, 70), (255, 0, 0, 0)))
    assert open_rgb(ghost).getpixel((5, 5)) == (255, 255, 255)
    assert open_rgb(ghost, keep_alpha=True).mode == "RGBA"
    glass = encode(Image.new("RGBA", (140, 140), (255, 0, 0, 51)))
    for side in (None, 70):
        assert open_rgb(glass, longest_side=side).getpixel((5, 5)) == (255, 204, 204)


def test_reduces_while_decoding_and_never_enlarges() -> None:
    large = encode(mug(1200)[0], "JPEG")
    assert max(open_rgb(large, longest_side=200).size) == 200
    assert open_rgb(PNG, longest_side=4000).size == (100, 80)


@pytest.mark.parametrize(
    "data", [png_bomb(300, 300), damaged(encode(mug(320)[0], "WEBP"))], ids=["PNG", "WebP"]
)
def test_damage_behind_a_good_header_is_found_when_decoding(data: bytes) -> None:
    assert inspect(data)
    for decode in (check_pixels, open_rgb):
        with pytest.raises(Invalid) as refusal:
            decode(data)
        assert refusal.value.code == "image_damaged"


def test_a_jpeg_is_shown_in_spite_of_its_damage() -> None:
    data = damaged(encode(mug()[0], "JPEG"))
    check_pixels(data)
    assert open_rgb(data).size == (320, 320)


def test_progressive_files_are_no_bombs() -> None:
    data = encode(mug(200)[0], "JPEG", progressive=True)
    assert inspect(data).width == 200
    check_pixels(data)

import io

import numpy as np
import pytest
from PIL import Image

from libs.common.errors import Invalid
from libs.imaging.contact_sheet import contact_sheet
from libs.imaging.variants import LADDER, make_variants
from tests.libs.imaging.drawings import encode, png_bomb


def test_the_ladder_is_complete_and_never_enlarges() -> None:
    variants = make_variants(encode(np.zeros((450, 600, 3), np.uint8)))
    assert tuple(variant.rung for variant in variants) == LADDER
    assert [(variant.width, variant.height) for variant in variants] == [(256, 192), (600, 450), (600, 450)]
    for variant in variants:
        with Image.open(io.BytesIO(variant.data)) as image:
            assert (image.format, image.size) == ("WEBP", (variant.width, variant.height))


def test_a_variant_is_upright_and_has_no_exif() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x8825] = {1: "N", 2: (48.0, 8.0, 0.0)}
    data = encode(np.zeros((450, 600, 3), np.uint8), "JPEG", exif=exif)
    variant = make_variants(data)[0]
    with Image.open(io.BytesIO(variant.data)) as image:
        assert image.size == (192, 256)
        assert not image.getexif()


def test_a_cut_out_stays_transparent() -> None:
    variant = make_variants(encode(Image.new("RGBA", (300, 300), (200, 0, 0, 0))))[0]
    with Image.open(io.BytesIO(variant.data)) as image:
        assert image.convert("RGBA").getpixel((9, 9))[3] == 0  # type: ignore[index]


def test_damage_is_a_refusal() -> None:
    with pytest.raises(Invalid):
        make_variants(png_bomb(300, 300))


def test_a_contact_sheet_holds_every_picture() -> None:
    red, blue = (encode(Image.new("RGB", (100, 80), tone)) for tone in ("red", "blue"))
    with Image.open(
        io.BytesIO(contact_sheet([("red", red), ("a long caption " * 30, blue)], columns=2))
    ) as sheet:
        counts = {colour: count for count, colour in sheet.getcolors(1 << 20) or []}
    assert counts[(255, 0, 0)] == counts[(0, 0, 255)] == 100 * 80


def test_an_empty_contact_sheet_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        contact_sheet([])

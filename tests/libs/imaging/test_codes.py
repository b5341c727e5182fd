"""What is printed can be read in a photo, and a marker of known side gives the photo its scale."""

import re
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from deploy.codes import app
from libs.imaging import print_codes
from libs.imaging.codes import Code, marker_scale, read_codes
from libs.imaging.pixels import Pixels
from libs.providers.base import Hints
from libs.providers.local import specification
from libs.providers.local.observation import observe
from tests.libs.imaging.drawings import encode, mug

PIXELS_PER_MM = 8


def printed(svg: str, pixels_per_mm: int = PIXELS_PER_MM) -> Pixels:
    """As a photo would show it, a little soft."""
    root = ElementTree.fromstring(svg)
    _, _, columns, rows = (int(value) for value in str(root.get("viewBox")).split())
    modules = np.full((rows, columns), 255, np.uint8)
    for x, y in re.findall(r"M(\d+) (\d+)", str(root[1].get("d"))):
        modules[int(y), int(x)] = 0
    width, height = (float(str(root.get(side)).removesuffix("mm")) for side in ("width", "height"))
    size = round(width * pixels_per_mm), round(height * pixels_per_mm)
    picture = cv2.resize(modules, size, interpolation=cv2.INTER_NEAREST)
    return cv2.cvtColor(cv2.GaussianBlur(picture, (0, 0), 0.7), cv2.COLOR_GRAY2RGB)


def on_paper(code: Pixels) -> Pixels:
    paper = np.full((600, 800, 3), 235, np.uint8)
    paper[100 : 100 + code.shape[0], 120 : 120 + code.shape[1]] = code
    return paper


@pytest.mark.parametrize("text", ["https://example.com/p/1", "Tasse für Łódź", "4006381333931"])
def test_a_qr_code_is_read_back(text: str) -> None:
    assert read_codes(on_paper(printed(print_codes.qr(text, 40)))) == [Code("QR", text)]


@pytest.mark.parametrize("digits", ["4006381333931", "978020137962", "0012345678905"])
def test_an_ean_is_read_back_with_its_check_digit(digits: str) -> None:
    (code,) = read_codes(on_paper(printed(print_codes.ean13(digits), 12)))
    assert code.value.zfill(13).startswith(digits)


@pytest.mark.parametrize("digits", ["", "123", "4006381333932", "40063813339a", "٤٠٠٦٣٨١٣٣٣٩٣"])
def test_what_is_no_ean_is_refused(digits: str) -> None:
    with pytest.raises(ValueError, match="digit"):
        print_codes.ean13(digits)


def test_a_marker_is_a_ruler() -> None:
    scale = marker_scale(on_paper(printed(print_codes.marker(30))), side_mm=30)
    assert scale is not None
    assert scale.pixels_per_mm == pytest.approx(PIXELS_PER_MM, rel=0.005)
    assert scale.straightness > 0.97
    assert marker_scale(on_paper(np.zeros((9, 9, 3), np.uint8)), side_mm=50) is None


def test_a_marker_beside_the_product_gives_millimetres() -> None:
    picture, mask = mug(640)
    marker = printed(print_codes.marker(10))
    picture[20 : 20 + marker.shape[0], 20 : 20 + marker.shape[1]] = marker
    spec = specification.build([observe(encode(picture), marker_mm=10)], Hints(marker_mm=10))
    sizes = {item["axis"]: item["value"] for item in spec["dimensions"]["items"]}
    rows, columns = np.nonzero(mask)
    assert sizes["width"] == pytest.approx((np.ptp(columns) + 1) / PIXELS_PER_MM, rel=0.05)
    assert sizes["height"] == pytest.approx((np.ptp(rows) + 1) / PIXELS_PER_MM, rel=0.05)
    assert {item["basis"] for item in spec["dimensions"]["items"]} == {"reference_object"}
    assert 0.5 < spec["dimensions"]["confidence"] < 0.9


def test_the_command_prints_svg_and_refuses_what_is_none() -> None:
    runner = CliRunner()
    assert runner.invoke(app, ["marker", "--mm", "40"]).output == print_codes.marker(40)
    assert runner.invoke(app, ["qr", "hello"]).output == print_codes.qr("hello", 30)
    assert runner.invoke(app, ["ean13", "4006381333932"]).exit_code == 2

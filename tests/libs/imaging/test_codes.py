"""What is printed can be read in a photo, and a marker of known side gives the photo its scale."""

import re
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from deploy.codes import app
from libs.imaging import print_codes
from libs.imaging.codes import Code, read_codes
from libs.imaging.markers import DICTIONARY, find_markers, marker_scale
from libs.imaging.photos import open_photo
from libs.imaging.pixels import Pixels
from libs.imaging.segmentation import segment
from libs.providers.base import Hints
from libs.providers.local import specification
from libs.providers.local.observation import MEASURED_SIDE, codes_of, observe
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


MARKER_10 = printed(print_codes.marker(10))


def with_marker(picture: Pixels, x: int, y: int, paper: int = 0) -> Pixels:
    """`paper` is how much white was left around it when it was cut out."""
    marker = np.pad(MARKER_10, ((paper, paper), (paper, paper), (0, 0)), constant_values=255)
    shown = picture.copy()
    shown[y - paper : y - paper + marker.shape[0], x - paper : x - paper + marker.shape[1]] = marker
    return shown


@pytest.mark.parametrize("paper", [0, 14])
@pytest.mark.parametrize(("x", "y"), [(20, 20), (70, 450), (480, 500)])
def test_a_marker_beside_the_product_is_no_part_of_it(x: int, y: int, paper: int) -> None:
    picture, truth = mug(640)
    cut = segment(with_marker(picture, x, y, paper))
    mistaken = (cut.alpha > 0.5) != (truth > 0)
    assert mistaken.sum() < 0.01 * truth.sum()


@pytest.mark.parametrize("backdrop", [(245, 245, 245), (120, 128, 120)])
def test_a_marker_on_the_product_is_part_of_it(backdrop: tuple[int, int, int]) -> None:
    box = np.full((640, 640, 3), backdrop, np.uint8)
    box[150:500, 120:520] = (170, 125, 80)
    cut = segment(with_marker(box, 270, 270))
    assert cut.alpha[160:490, 130:510].min() > 0.9
    assert np.array_equal(cut.rgb[275:300, 275:300], with_marker(box, 270, 270)[275:300, 275:300])


def test_the_white_product_beside_it_is_not_taken_for_its_paper() -> None:
    plate = np.full((640, 640, 3), (120, 128, 120), np.uint8)
    plate[150:500, 220:520] = (250, 250, 250)
    cut = segment(with_marker(plate, 220 - len(MARKER_10), 300))
    assert cut.alpha[160:490, 230:510].min() > 0.5
    assert not cut.alpha[:, :200].any()


def test_a_black_square_without_white_around_it_is_no_marker() -> None:
    modules = cv2.aruco.generateImageMarker(cv2.aruco.getPredefinedDictionary(DICTIONARY), 0, 90)
    pattern = np.full((300, 300), 60, np.uint8)
    pattern[100:190, 100:190] = np.maximum(modules, 30)
    assert find_markers(cv2.cvtColor(pattern, cv2.COLOR_GRAY2RGB)) == []


def test_a_marker_beside_the_product_gives_millimetres() -> None:
    picture, mask = mug(640)
    picture = with_marker(picture, 20, 20)
    spec = specification.build([observe(encode(picture), marker_mm=10)], Hints(marker_mm=10))
    sizes = {item["axis"]: item["value"] for item in spec["dimensions"]["items"]}
    rows, columns = np.nonzero(mask)
    assert sizes["width"] == pytest.approx((np.ptp(columns) + 1) / PIXELS_PER_MM, rel=0.05)
    assert sizes["height"] == pytest.approx((np.ptp(rows) + 1) / PIXELS_PER_MM, rel=0.05)
    assert {item["basis"] for item in spec["dimensions"]["items"]} == {"reference_object"}
    assert 0.5 < spec["dimensions"]["confidence"] < 0.9


@pytest.mark.parametrize(
    ("svg", "code"),
    [
        (print_codes.qr("https://example.com/p/1", 20), Code("QR", "https://example.com/p/1")),
        (print_codes.ean13("4006381333931"), Code("EAN_13", "4006381333931")),
    ],
)
def test_a_small_code_in_a_large_photo_is_read(svg: str, code: Code) -> None:
    """12 megapixels of a whole package, as a phone takes them."""
    picture = np.full((3000, 4000, 3), (225, 222, 215), np.uint8)
    picture[400:2700, 800:3200] = (150, 90, 60)
    label = printed(svg, 8)
    picture[1900 : 1900 + len(label), 2200 : 2200 + label.shape[1]] = label
    file = encode(cv2.GaussianBlur(picture, (0, 0), 0.8), "JPEG", quality=90)
    small = open_photo(file, MEASURED_SIDE).rgb
    assert read_codes(small) == []
    assert codes_of(file, small, longest_side=4000) == [code]


def test_the_command_prints_svg_and_refuses_what_is_none() -> None:
    runner = CliRunner()
    assert runner.invoke(app, ["marker", "--mm", "40"]).output == print_codes.marker(40)
    assert runner.invoke(app, ["qr", "hello"]).output == print_codes.qr("hello", 30)
    assert runner.invoke(app, ["ean13", "4006381333932"]).exit_code == 2

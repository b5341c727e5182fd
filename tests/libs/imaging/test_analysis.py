"""Segmentation, colours, quality and defects on products whose truth is known."""

import cv2
import numpy as np
import pytest

from libs.imaging.codes import read_codes
from libs.imaging.colour_names import ciede2000, css_name, plain_name
from libs.imaging.colours import dominant, merge_lists
from libs.imaging.defects import Defect, find_defects
from libs.imaging.photos import open_photo
from libs.imaging.pixels import Pixels
from libs.imaging.quality import measure, outline, surface
from libs.imaging.segmentation import Cutout, segment
from tests.libs.imaging.drawings import encode, mug


def overlap(cut: Cutout, truth: Pixels) -> float:
    found = cut.alpha > 0.5
    return float((found & (truth > 0)).sum() / (found | (truth > 0)).sum())


@pytest.mark.parametrize("colour", [(32, 96, 142), (190, 60, 40), (60, 60, 62), (90, 150, 70)])
def test_finds_a_product_on_a_plain_backdrop(colour: tuple[int, int, int]) -> None:
    picture, truth = mug(colour=colour)
    cut = segment(picture)
    assert overlap(cut, truth) > 0.95
    assert cut.plain_background
    assert 0.7 < cut.confidence <= 0.9
    assert cut.warnings == ()
    assert not cut.alpha[:, :20].any()


def with_drop_shadow(
    colour: tuple[int, int, int], *, softness: float, shift: int, sole: int | None = None
) -> tuple[Pixels, Pixels]:
    """A flat product under a lamp on a light backdrop; `softness` is the shadow's sigma as a share of the side."""
    side, truth = 640, np.zeros((640, 640), np.uint8)
    truth[200:400, 180:420] = 1
    shadow = cv2.GaussianBlur(
        np.roll(truth, (shift, shift), (0, 1)).astype(np.float32), (0, 0), softness * side
    )
    picture = np.array([240, 238, 235], np.float32) * (1 - 0.35 * shadow)[..., None]
    body = np.array(colour) * np.linspace(1.1, 0.8, side)[None, :, None] * np.ones((side, 1, 1))
    picture = np.where(truth[..., None] > 0, body, picture)
    if sole is not None:
        picture[360:400, 180:420] = sole
    picture += np.random.default_rng(1).standard_normal(picture.shape) * 1.5
    return np.clip(picture, 0, 255).astype(np.uint8), truth


@pytest.mark.parametrize("shift", [12, 36])
@pytest.mark.parametrize("softness", [0.003, 0.006, 0.012])
@pytest.mark.parametrize("colour", [(190, 60, 40), (28, 120, 110), (30, 30, 32)])
def test_a_drop_shadow_is_no_part_of_the_product(
    colour: tuple[int, int, int], softness: float, shift: int
) -> None:
    picture, truth = with_drop_shadow(colour, softness=softness, shift=shift)
    assert overlap(segment(picture), truth) > 0.95


@pytest.mark.parametrize("grey", [90, 120, 150, 185, 205])
@pytest.mark.parametrize("softness", [0.003, 0.008])
def test_a_grey_product_is_not_taken_for_its_shadow(grey: int, softness: float) -> None:
    picture, truth = with_drop_shadow((grey, grey, grey), softness=softness, shift=24)
    assert segment(picture).alpha[truth > 0].mean() > 0.98


@pytest.mark.parametrize("sole", [90, 120, 190, 205])
def test_nor_is_the_grey_sole_of_a_blue_shoe(sole: int) -> None:
    picture, truth = with_drop_shadow((40, 70, 160), softness=0.006, shift=9, sole=sole)
    assert segment(picture).alpha[truth > 0].mean() > 0.95


def test_the_same_photo_gives_the_same_pixels() -> None:
    picture, _ = mug()
    first, second = segment(picture), segment(picture)
    assert np.array_equal(first.alpha, second.alpha)
    assert np.array_equal(first.rgb, second.rgb)


def test_a_busy_backdrop_costs_confidence_and_is_said() -> None:
    picture, truth = mug()
    noise = np.random.default_rng(2).integers(0, 255, (40, 40, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    cut = segment(np.where(truth[..., None] > 0, picture, noise))
    assert not cut.plain_background
    assert cut.confidence < 0.75
    assert "busy background: the outline is a best effort" in cut.warnings


def test_an_empty_picture_is_said_and_not_believed() -> None:
    cut = segment(np.full((100, 100, 3), 200, np.uint8))
    assert "no contrast against the border; centre assumed" in cut.warnings
    assert cut.confidence < 0.5


@pytest.mark.parametrize("size", [(64, 64), (64, 900), (900, 64)])
def test_extreme_shapes_are_no_problem(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(3).integers(0, 255, (*size, 3), np.uint8)
    cut = segment(picture)
    metrics = measure(picture, cut)
    assert (metrics.height, metrics.width) == size
    assert dominant(cut.rgb, cut.alpha)
    find_defects(picture, cut, metrics)


def test_colours_are_those_of_the_product() -> None:
    picture, _ = mug(colour=(190, 60, 40))
    cut = segment(picture)
    colours = dominant(cut.rgb, cut.alpha)
    assert "red" in colours[0].name
    assert sum(colour.share for colour in colours) == pytest.approx(1, abs=0.05)


def test_colours_of_several_photos_are_one_list() -> None:
    blue, red = (dominant(*_cut_out(colour)) for colour in ((32, 96, 142), (190, 60, 40)))
    merged = merge_lists([(blue, 0.9), (blue, 0.9), (red, 0.3)])
    assert merged[0].hex == blue[0].hex
    assert any("red" in colour.name for colour in merged)
    assert sum(colour.share for colour in merged) == pytest.approx(1, abs=0.06)
    assert merge_lists([(blue, 0.5)]) == blue


def _cut_out(colour: tuple[int, int, int]) -> tuple[Pixels, Pixels]:
    cut = segment(mug(colour=colour)[0])
    return cut.rgb, cut.alpha


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((255, 255, 255), "white"),
        ((0, 0, 0), "black"),
        ((128, 128, 128), "grey"),
        ((20, 30, 80), "navy"),
        ((101, 67, 33), "brown"),
        ((245, 222, 179), "cream"),
        ((255, 0, 0), "red"),
        ((0, 128, 0), "green"),
    ],
)
def test_plain_names(rgb: tuple[int, int, int], name: str) -> None:
    assert plain_name(rgb) == name


def test_css_names_and_the_published_distance() -> None:
    assert css_name((255, 99, 71)) == ("tomato", 0.0)
    # Pair 1 of the test data of Sharma, Wu and Dalal (2005).
    first, second = np.array([50.0, 2.6772, -79.7751]), np.array([50.0, 0.0, -82.7485])
    assert float(ciede2000(first, second)) == pytest.approx(2.0425, abs=1e-4)


def test_measures_the_outline_and_the_surface() -> None:
    cut = segment(mug()[0])
    shape = outline(cut)
    assert shape is not None
    assert shape.holes == 1
    assert shape.parts == 1
    assert 0.7 < shape.aspect_ratio < 1.1
    skin = surface(cut.rgb, cut)
    assert skin is not None
    assert skin.texture in ("smooth", "fine")


def _drawn(kind: str) -> Pixels:
    mask = np.zeros((480, 480), np.uint8)
    corners = {"square": 4, "turned square": 4, "hexagon": 6}
    turn = 0.6 if kind == "turned square" else np.pi / 4
    if kind in corners:
        angles = np.arange(corners[kind]) * 2 * np.pi / corners[kind] + turn
        points = 240 + 130 * np.stack([np.cos(angles), np.sin(angles)], -1)
        cv2.fillPoly(mask, [points.astype(np.int32)], 1)
    else:
        cv2.ellipse(mask, (240, 240), (130, 130 if kind == "disc" else 112), 0, 0, 360, 1, -1)
    shading = np.linspace(1.5, 0.5, 480)[None, :, None]
    picture = np.where(mask[..., None] > 0, np.array([40, 110, 160]) * shading, 238.0)
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("square", "rectangular"),
        ("turned square", "rectangular"),
        ("hexagon", "compact"),
        ("disc", "round"),
        ("oval", "round"),
    ],
)
def test_a_square_is_not_round_and_shading_is_no_texture(kind: str, told: str) -> None:
    picture = _drawn(kind)
    cut = segment(picture)
    shape, skin = outline(cut), surface(picture, cut)
    assert shape is not None
    assert shape.kind == told
    assert skin is not None
    assert skin.texture == "smooth"
    assert not skin.directional


def test_blur_and_smallness_are_defects_of_the_photo() -> None:
    picture, _ = mug(1100)
    kinds = {defect.kind for defect in _defects(picture)}
    assert kinds.isdisjoint({"low_resolution", "blur", "noise", "cropped", "busy_background"})
    small = {defect.kind: defect for defect in _defects(mug(320)[0])}
    assert small["low_resolution"].severity == "high"


def test_dust_is_found_and_called_no_more_than_a_candidate() -> None:
    places = [(0.38, 0.42), (0.55, 0.48), (0.42, 0.63)]
    clean = [defect for defect in _defects(mug(700)[0]) if defect.scope == "product"]
    dusty = [defect for defect in _defects(mug(700, dust=places)[0]) if defect.scope == "product"]
    assert clean == []
    assert [defect.kind for defect in dusty] == ["spot_candidate"] * len(places)
    for defect in dusty:
        assert defect.confidence <= 0.5
        assert defect.box is not None
        middle = (defect.box.x + defect.box.w / 2, defect.box.y + defect.box.h / 2)
        assert any(np.hypot(middle[0] - x, middle[1] - y) < 0.01 for x, y in places)


def _defects(picture: Pixels) -> list[Defect]:
    cut = segment(picture)
    return find_defects(picture, cut, measure(picture, cut))


def test_no_code_is_seen_where_there_is_none() -> None:
    assert read_codes(mug()[0]) == []


def cut_out_file(alpha: Pixels) -> bytes:
    """A blue mug on a busy backdrop that its alpha hides: no segmentation would find it there."""
    picture, truth = mug()
    noise = np.random.default_rng(2).integers(0, 255, picture.shape, np.uint8)
    return encode(np.dstack([np.where(truth[..., None] > 0, picture, noise), alpha]))


def test_a_cut_out_file_has_its_outline_already() -> None:
    truth = mug()[1]
    photo = open_photo(cut_out_file(truth * 255), 2048)
    cut = photo.cut_out()
    assert np.array_equal(cut.alpha, truth)
    assert cut.confidence > 0.9
    assert cut.warnings == ()
    assert (cut.rgb[truth == 0] == 255).all()
    assert (photo.rgb[truth == 0] == 255).all()
    metrics = measure(photo.rgb, cut)
    assert metrics.background_cast is None
    assert {defect.kind for defect in find_defects(photo.rgb, cut, metrics)} == {"low_resolution"}
    assert "blue" in dominant(cut.rgb, cut.alpha)[0].name


def test_what_is_half_transparent_keeps_its_colour() -> None:
    truth = mug()[1]
    cut = open_photo(cut_out_file(truth * 160), 2048).cut_out()
    assert cut.alpha.max() == pytest.approx(160 / 255)
    inside = truth > 0
    assert np.array_equal(cut.rgb[inside], mug()[0][inside])


@pytest.mark.parametrize("opaque", [255, 252])
def test_an_alpha_that_hides_nothing_is_no_outline(opaque: int) -> None:
    picture, truth = mug()
    photo = open_photo(encode(np.dstack([picture, np.full_like(truth, opaque)])), 2048)
    assert photo.layer is None
    assert overlap(photo.cut_out(), truth) > 0.95

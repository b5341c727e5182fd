"""The try-on preview: where a top ends up on a person, and what is said about it."""

import cv2
import numpy as np
import pytest

from libs.imaging.decode import open_rgb
from libs.imaging.faces import Face, find_face
from libs.imaging.photos import Photo
from libs.imaging.pixels import Pixels
from libs.imaging.segmentation import segment
from libs.providers.errors import ErrorCode, ProviderError
from libs.providers.local.tryon.body import measure_body
from libs.providers.local.tryon.garment import measure_garment
from libs.providers.local.tryon.preview import Preview, try_on
from libs.providers.local.tryon.warp import backward_map
from tests.libs.imaging.drawings import mug, photo, shirt

SIDE = 200
PERSON: Pixels = np.asarray(open_rgb(photo("astronaut.png"), longest_side=SIDE))
GREEN = shirt(200)[0]


@pytest.fixture(scope="module")
def preview() -> Preview:
    return try_on(Photo(PERSON), [Photo(GREEN)])


def green(image: Pixels) -> Pixels:
    rgb = image.astype(int)
    return np.asarray((rgb[..., 1] - rgb[..., 0] > 25) & (np.abs(rgb[..., 1] - rgb[..., 2]) < 40))


def test_the_face_is_found() -> None:
    face = find_face(PERSON)
    assert face is not None
    assert (face.centre / SIDE, face.chin / SIDE) == pytest.approx((0.44, 0.32), abs=0.04)
    assert 0.5 < face.confidence <= 0.9
    assert find_face(mug()[0]) is None


def test_the_garment_lies_on_the_chest_below_the_chin(preview: Preview) -> None:
    face = find_face(PERSON)
    assert face is not None
    cloth = green(preview.image)
    assert cloth[155:195, 70:110].mean() > 0.95
    assert not cloth[: int(face.chin)].any()
    centre = np.flatnonzero(cloth.any(0))[[0, -1]].mean()
    assert centre == pytest.approx(face.centre, abs=10)


def test_its_shoulders_slope_as_shoulders_do(preview: Preview) -> None:
    """Where the silhouette is a spacesuit's as well."""
    face = find_face(PERSON)
    assert face is not None
    cloth = green(preview.image)
    for side in (-1, 1):
        near, far = (
            np.flatnonzero(cloth[:, round(face.centre + side * share * face.width)])[0]
            for share in (0.6, 1.4)
        )
        assert 0.25 < (near - face.chin) / face.height < 0.45
        assert 0.25 < (far - near) / face.height < 0.5


def test_a_body_is_as_wide_as_people_are_and_may_lean() -> None:
    face = Face(80, 40, 40, 40, 0.9)
    mask = np.zeros((300, 200), bool)
    mask[100:, 20:100] = mask[110:, 100:180] = True
    body = measure_body(mask, face)
    assert body.half_width == pytest.approx(1.65 * 40)
    assert body.shoulders_y == pytest.approx((100.4, 110), abs=0.5)
    thin = measure_body(np.zeros((300, 200), bool), face)
    assert thin.half_width == pytest.approx(1.6 * 40, abs=5)


def test_face_and_surroundings_stay_as_they_were(preview: Preview) -> None:
    assert preview.image.shape == PERSON.shape
    assert np.abs(preview.image[:62].astype(int) - PERSON[:62]).max() <= 1
    assert np.array_equal(preview.image[:110, 165:], PERSON[:110, 165:])


def test_it_says_that_it_is_a_placement_preview(preview: Preview) -> None:
    assert preview.warnings[0].startswith("placement preview from geometry")
    assert 0.2 < preview.confidence < 0.45
    assert preview.coverage > 0.75


def test_the_same_photos_give_the_same_pixels(preview: Preview) -> None:
    assert np.array_equal(try_on(Photo(PERSON), [Photo(GREEN)]).image, preview.image)


def test_nobody_to_dress_is_said() -> None:
    with pytest.raises(ProviderError, match="no frontal face") as error:
        try_on(Photo(mug()[0]), [Photo(GREEN)])
    assert (error.value.code, error.value.reason) == (ErrorCode.UNSUPPORTED, "no_face")


@pytest.mark.parametrize("long", [False, True])
def test_a_garments_points_are_read_from_its_outline(long: bool) -> None:
    garment = measure_garment(segment(shirt(long=long)[0]))
    left, top = (0.105 if long else 0.115) * 320, 0.15 * 320
    assert garment.centre + left == pytest.approx(160, abs=4)
    assert garment.body_width == pytest.approx(0.446 * 320, abs=6)
    assert garment.collar_left + left == pytest.approx(0.39 * 320, abs=6)
    assert garment.collar_right + left == pytest.approx(0.61 * 320, abs=6)
    assert garment.collar_dip + top == pytest.approx(0.227 * 320, abs=6)
    assert 0.35 * 320 < garment.armpit_y + top < (0.70 if long else 0.47) * 320
    outer, inner = garment.cuff(-1)
    assert outer[0] < 5 < inner[0]


def test_the_shadowed_corner_under_an_arm_is_no_cloth() -> None:
    cloth, true = shirt(640)
    cut = segment(cloth)
    missed = (cut.alpha > 0.5) & (true == 0)
    x, y, width, height = cut.box()
    kept = measure_garment(cut).alpha > 0.5
    kept_missed = kept & (true[y : y + height, x : x + width] == 0)
    assert missed.sum() > 500, "what is to be seen here"
    assert kept_missed.sum() < 0.2 * missed.sum()
    assert (kept & (true[y : y + height, x : x + width] > 0)).sum() > 0.97 * true.sum()


def test_cloth_of_the_backdrops_colour_is_kept() -> None:
    """Its stripes are; what is cut away elsewhere is too much of it to be a corner."""
    cut = segment(shirt(320, (30, 42, 88), stripes=(235, 235, 228), long=True)[0])
    assert (measure_garment(cut).alpha > 0.5).sum() > 0.97 * (cut.alpha > 0.5).sum()


def test_any_picture_can_be_a_garment() -> None:
    noise = np.random.default_rng(5).integers(0, 255, (64, 200, 3), np.uint8)
    result = try_on(Photo(PERSON), [Photo(noise), Photo(cv2.resize(GREEN, (64, 300)))])
    assert result.image.shape == PERSON.shape
    assert any("not plain" in warning for warning in result.warnings)


def test_a_garment_that_can_hardly_be_told_from_its_backdrop_is_said() -> None:
    faint = shirt(200, (233, 231, 228))[0]
    result = try_on(Photo(PERSON), [Photo(GREEN), Photo(faint)])
    assert any(warning.startswith("garment 2: ") for warning in result.warnings)
    assert not any(warning.startswith("garment 1: ") for warning in result.warnings)


def test_a_thin_plate_goes_through_its_points() -> None:
    source = np.array([(0, 0), (100, 0), (0, 80), (100, 80), (50, 30)], float)
    target = np.array([(8, 8), (88, 4), (12, 72), (96, 68), (40, 40)], float)
    mapping = backward_map(source, target, 100, 80)
    assert mapping.shape == (80, 100, 2)
    for start, (x, y) in zip(source, target.astype(int), strict=True):
        assert mapping[y, x] == pytest.approx(start, abs=1.0)

"""Pictures at a small size, in this process: every scene, every shape."""

import numpy as np
import pytest

from libs.imaging.segmentation import Cutout, segment
from libs.providers.base import ASPECT_RATIOS, RESOLUTIONS
from libs.providers.local.composite import compose, printable
from libs.providers.local.framing import FRAMINGS, picture_size
from libs.providers.local.prompt import parse
from libs.providers.local.vocabulary import SCENES
from tests.libs.imaging.drawings import mug

SMALL = (320, 240)
PROMPTS = [
    *sorted(set(SCENES.values())),
    "flat lay on fabric",
    "floating, white background",
    "gradient peach to mint",
]


@pytest.fixture(scope="module")
def cut() -> Cutout:
    return segment(mug()[0])


@pytest.mark.parametrize("prompt", PROMPTS)
def test_same_seed_same_pixels(cut: Cutout, prompt: str) -> None:
    first, again, other = (compose(cut, parse(prompt), SMALL, seed, 0).image for seed in (1, 1, 2))
    assert first.shape == (240, 320, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("prompt", ["white background", "podium", "dark marble", "flat lay on fabric"])
@pytest.mark.parametrize("index", range(len(FRAMINGS)))
def test_the_whole_product_is_in_the_picture(cut: Cutout, prompt: str, index: int) -> None:
    """Its blue appears neither elsewhere nor at the edge."""
    image = compose(cut, parse(f"{prompt}, no reflection"), (240, 320), 3, index).image.astype(int)
    blue = (image[..., 2] - image[..., 0] > 50) & (image[..., 2] > image[..., 1] + 20)
    assert 0.04 < blue.mean() < 0.5
    assert not blue[:4].any()
    assert not blue[:, [0, 1, -2, -1]].any()


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_product_at_the_side_has_air_beside_it(cut: Cutout, side: str) -> None:
    plan = parse(f"sage green studio, on the {side}, close-up, no reflection")
    image = compose(cut, plan, (180, 320), 3, 0).image.astype(int)
    blue = np.flatnonzero((image[..., 2] - image[..., 0] > 50).any(0))
    assert (blue[0] if side == "left" else 179 - blue[-1]) > 0.04 * 180


def _corners(cut: Cutout, prompt: str) -> tuple[list[int], list[int]]:
    """The colours of the backdrop's upper corner and of the floor's."""
    image = compose(cut, parse(f"{prompt}, no shadow"), SMALL, 3, 0).image.astype(int)
    return image[5:30, 5:30].mean((0, 1)).tolist(), image[-20:-5, 5:30].mean((0, 1)).tolist()


@pytest.mark.parametrize("surface", ["marble table", "floor", "terrazzo", "sand", "podium"])
def test_surface_and_wall_are_in_their_own_colours(cut: Cutout, surface: str) -> None:
    wall, floor = _corners(cut, f"a green bag on a white {surface} against a red wall")
    assert wall[0] > 1.6 * max(wall[1:])
    assert surface == "podium" or min(floor) > 0.75 * max(floor)


@pytest.mark.parametrize(
    "scene", ["", "on marble", "in a gradient", "on a podium", "before the sky", "in a forest", "on water"]
)
def test_the_colour_of_the_product_is_not_the_backdrops(cut: Cutout, scene: str) -> None:
    red, plain = (
        compose(cut, parse(words), SMALL, 3, 0) for words in (f"a red bag {scene}", f"a bag {scene}")
    )
    assert np.array_equal(red.image, plain.image)


def test_a_blue_sky_leaves_the_ground_as_it_is(cut: Cutout) -> None:
    sky, ground = _corners(cut, "blue sky")
    assert sky[2] > sky[0] + 30
    assert ground[0] > ground[2]


def test_nothing_is_painted_that_is_not_wanted(cut: Cutout) -> None:
    assert max(_corners(cut, "no white background")[0]) < 215
    _, planks = _corners(cut, "forest")
    _, stone = _corners(cut, "forest without wood")
    assert planks[0] - planks[2] > 2 * (stone[0] - stone[2])


def test_scenes_differ(cut: Cutout) -> None:
    pictures = {compose(cut, parse(scene), SMALL, 1, 0).image.tobytes() for scene in set(SCENES.values())}
    assert len(pictures) == len(set(SCENES.values()))


@pytest.mark.parametrize("size", [(64, 1000), (1000, 64), (64, 64)])
def test_any_photo_makes_a_picture(size: tuple[int, int]) -> None:
    photo = np.random.default_rng(5).integers(0, 255, (*size, 3), np.uint8)
    cut = segment(photo)
    for prompt in ("podium", "floating with reflection", "flat lay on sand", "mirror, no shadow"):
        assert compose(cut, parse(prompt), (180, 420), 1, 4).image.shape == (420, 180, 3)


@pytest.fixture(scope="module")
def black() -> Cutout:
    return segment(mug(480, (24, 24, 28))[0])


DARK = [
    "at night",
    "black background",
    "moody",
    "dark wood",
    "black marble",
    "black velvet floor",
    "podium, noir",
]


@pytest.mark.parametrize("prompt", DARK)
def test_a_dark_product_stands_out_in_a_dark_scene(black: Cutout, prompt: str) -> None:
    """Across its left edge, which a white backdrop shows, the levels differ."""
    image = compose(black, parse(f"{prompt}, no reflection"), (320, 320), 5, 0).image.astype(int).max(-1)
    plain = compose(black, parse("white background, no shadow, no reflection"), (320, 320), 5, 0).image
    mask = plain.max(-1) < 110
    ys, xs = np.nonzero(mask)
    rows, columns = slice(ys.min() + 20, ys.max() - 30), slice(xs.min() - 8, xs.min() + 8)
    assert np.ptp(image[rows, columns], axis=1).mean() > 22


@pytest.mark.parametrize("prompt", DARK)
def test_a_shadow_is_seen_in_a_dark_scene(black: Cutout, prompt: str) -> None:
    with_shadow, without = (
        compose(black, parse(f"{prompt}, no reflection{more}"), (320, 320), 5, 0).image.astype(int)
        for more in ("", ", no shadow")
    )
    taken = (without - with_shadow).max(-1)
    assert np.percentile(taken[taken > 2], 90) > 10
    assert (taken > 10).mean() > 0.005


def test_an_enlarged_photo_is_said() -> None:
    composition = compose(segment(mug(80)[0]), parse("marble"), (400, 400), 1, 0)
    assert "product pixels enlarged" in composition.warnings[0]


@pytest.mark.parametrize("ratio", ASPECT_RATIOS)
def test_every_ratio_has_the_area_of_its_resolution(ratio: str) -> None:
    for resolution, side in zip(RESOLUTIONS, (1024, 2048, 4096), strict=True):
        width, height = picture_size(ratio, resolution)  # type: ignore[arg-type]
        assert width % 2 == height % 2 == 0
        assert width * height == pytest.approx(side * side, rel=0.01)


def test_backdrops_stay_printable() -> None:
    assert printable((250, 250, 250)) == (250, 250, 250)
    green = printable((0, 255, 0))
    assert green[0] > 60
    assert green[1] > 200

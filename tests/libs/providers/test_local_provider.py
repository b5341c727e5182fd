"""The local provider in its real child processes."""

import asyncio
import io
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import pytest_asyncio
from PIL import Image

from libs.imaging import metadata
from libs.imaging.decode import inspect, open_rgb
from libs.imaging.metadata import DigitalSource
from libs.providers.base import Brief, Hints, ImageBlob, ImageRequest, KnownSize
from libs.providers.errors import ErrorCode, ProviderError
from libs.providers.local.pool import ChildDied, ChildPool
from libs.providers.local.provider import LocalProvider
from libs.providers.prompts.product import facts
from libs.providers.spec_yaml import dump, parse_yaml
from tests.libs.common.waiting import eventually
from tests.libs.imaging.drawings import encode, mug, photo, png_bomb, shirt

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def local() -> AsyncIterator[LocalProvider]:
    """One for all tests: starting a child takes as long as most of them."""
    provider = LocalProvider(processes=1)
    yield provider
    await provider.aclose()


def blob(data: bytes) -> ImageBlob:
    info = inspect(data)
    return ImageBlob(data, info.mime, info.width, info.height)


BLUE = blob(encode(mug()[0]))
TINY = encode(mug(64)[0])
RED = blob(encode(mug(colour=(190, 60, 40))[0]))


def of(photo: ImageBlob) -> ImageRequest:
    return ImageRequest("", [photo])


def request(**changes: object) -> ImageRequest:
    values: dict[str, object] = {"prompt": "on marble", "references": [BLUE], "seed": 7, **changes}
    return ImageRequest(**values)  # type: ignore[arg-type]


async def test_a_specification_says_what_was_measured_and_null_for_the_rest(local: LocalProvider) -> None:
    answer = await local.describe([BLUE], Hints())
    spec = answer.value
    assert spec.title == "blue product"
    assert spec.category is not None
    assert spec.category.value is None
    assert spec.material_type is None
    assert spec.primary_dimensions is None
    assert spec.primary_colors[0]["name"] == "blue"
    assert spec.confidence_overall is not None
    assert 0.2 < spec.confidence_overall < 0.5
    assert {defect.kind for defect in spec.defects} == {"low_resolution"}
    assert answer.call.timings.keys() == {"segment_ms", "measure_ms"}
    assert parse_yaml(dump(spec)) == spec


async def test_several_photos_make_one_specification(local: LocalProvider) -> None:
    spec = (await local.describe([BLUE, RED], Hints(title="Two mugs"))).value
    assert spec.title == "Two mugs"
    names = " ".join(str(colour["name"]) for colour in spec.primary_colors)
    assert "blue" in names
    assert "red" in names
    assert {defect.image for defect in spec.defects} == {0, 1}
    assert spec.model_extra is not None
    assert [photo["image"] for photo in spec.model_extra["photos"]] == [0, 1]


async def test_one_known_size_gives_the_other(local: LocalProvider) -> None:
    spec = (await local.describe([BLUE], Hints(known_size=KnownSize("height", 95, "mm")))).value
    rows, columns = np.nonzero(mug()[1])
    width, height = np.ptp(columns) + 1, np.ptp(rows) + 1
    sizes = spec.primary_dimensions
    assert sizes is not None
    assert sizes["height"] == 95
    assert sizes["width"] == pytest.approx(95 * width / height, rel=0.05)
    assert spec.dimensions is not None
    assert [item.basis for item in spec.dimensions.items] == ["given", "estimated"]


async def test_a_size_is_told_as_exactly_as_it_was_measured(local: LocalProvider) -> None:
    spec = (await local.describe([BLUE], Hints(known_size=KnownSize("height", 9.5, "cm")))).value
    assert spec.dimensions is not None
    told, measured = spec.dimensions.items
    assert (told.value, told.model_extra) == (9.5, {})
    assert measured.model_extra is not None
    error = measured.model_extra["plus_minus"]
    assert 0.03 * measured.value < error < 0.08 * measured.value
    assert measured.value == round(measured.value, 1)


async def test_loose_parts_make_a_size_doubtful(local: LocalProvider) -> None:
    picture = np.full((320, 320, 3), 238, np.uint8)
    picture[100:220, 60:140] = picture[100:220, 180:260] = (40, 110, 160)
    hints = Hints(known_size=KnownSize("height", 95, "mm"))
    both = (await local.describe([blob(encode(picture))], hints)).value.dimensions
    one = (await local.describe([BLUE], hints)).value.dimensions
    assert both is not None
    assert one is not None
    assert both.confidence is not None
    assert one.confidence is not None
    assert both.confidence < 0.6 * one.confidence
    assert str(both.note).endswith("around all 2 parts")


async def test_what_the_outline_suggests_is_not_told_to_models(local: LocalProvider) -> None:
    spec = (await local.describe([BLUE], Hints())).value
    assert spec.features is not None
    assert spec.features.items == ()
    assert spec.features.model_extra == {"hints": ["compact outline", "1 see-through opening in the outline"]}
    told = "\n".join(facts(spec))
    assert "outline" not in told
    assert "texture" not in told
    assert "blue" in told


async def test_same_seed_same_pixels(local: LocalProvider) -> None:
    changes: list[dict[str, object]] = [{}, {}, {"seed": 8}, {"index": 1}]
    first, again, *others = [(await local.generate(request(**change))).image.data for change in changes]
    assert first == again
    assert len({first, *others}) == 3


async def test_a_picture_shows_the_product_and_says_how_it_was_made(local: LocalProvider) -> None:
    result = await local.generate(
        request(prompt="blue mug, on marble", scene="marble, unicorn", provenance={"request_id": "r1"})
    )
    assert result.details["scene"] == "marble"
    assert result.details["used_words"] == ["marble"]
    assert result.details["ignored_words"] == ["unicorn"]
    assert "words without effect: unicorn" in result.call.warnings
    assert result.call.timings.keys() == {"segment_ms", "compose_ms", "encode_ms"}
    mark = metadata.read(result.image.data)
    assert mark is not None
    assert mark.source == DigitalSource.COMPOSED
    assert mark.record["request_id"] == "r1"
    assert (mark.record["seed"], mark.record["provider"]) == (7, "local")
    with Image.open(io.BytesIO(result.image.data)) as image:
        assert image.size == (result.image.width, result.image.height) == (1024, 1024)
        pixels = np.asarray(image.convert("RGB")).astype(int)
    bluish = (pixels[..., 2] - pixels[..., 0] > 40).mean()
    assert 0.1 < bluish < 0.6


async def test_the_background_is_removed(local: LocalProvider) -> None:
    result = await local.remove_background(of(BLUE))
    with Image.open(io.BytesIO(result.image.data)) as image:
        alpha = np.asarray(image.getchannel("A"))
    truth = mug()[1] > 0
    assert alpha[truth].mean() > 245
    assert alpha[:40].max() == 0
    mark = metadata.read(result.image.data)
    assert mark is not None
    assert mark.source == DigitalSource.ALTERED


async def test_the_background_of_a_cut_out_is_gone_already(local: LocalProvider) -> None:
    picture, truth = mug()
    layer = np.dstack([picture, truth * 255])
    result = await local.remove_background(of(blob(encode(layer))))
    with Image.open(io.BytesIO(result.image.data)) as image:
        pixels = np.asarray(image)
    assert np.array_equal(pixels[..., 3], layer[..., 3])
    assert np.array_equal(pixels[truth > 0], layer[truth > 0])
    garment = replace(blob(encode(np.dstack([shirt()[0], shirt()[1] * 255]))), role="garment")
    worn = await local.try_on(ImageRequest("try it on", [PERSON, garment], seed=3))
    assert not any("outline" in warning for warning in worn.call.warnings)


async def test_defects_come_with_their_boxes(local: LocalProvider) -> None:
    found = (await local.defects(BLUE)).value
    assert [(defect.kind, defect.scope) for defect in found] == [("low_resolution", "photo")]


BRIEF = Brief("small batches", "Morning Ember", "roasted daily", "coffee")


async def test_a_logo_is_drawn_and_edited_by_its_own_design(local: LocalProvider) -> None:
    logo = await local.generate(request(references=(), brief=BRIEF, provenance={"request_id": "r1"}))
    mark = metadata.read(logo.image.data)
    assert mark is not None
    assert mark.source == DigitalSource.DRAWN
    assert (mark.record["request_id"], mark.record["seed"]) == ("r1", 7)
    assert mark.record["design"] == logo.details["design"]
    assert logo.vector is not None
    assert logo.vector.startswith("<svg ")
    parent = replace(blob(logo.image.data), role="parent")
    by_file = await local.edit(ImageRequest("on a dark background", [parent], seed=1))
    by_document = await local.edit(
        ImageRequest("on a dark background", seed=1, design=logo.details["design"])
    )
    assert by_file.image.data == by_document.image.data
    assert by_file.details["changes"] == ["background #14161c"]
    assert by_file.details["design"]["mark"] == logo.details["design"]["mark"]
    with Image.open(io.BytesIO(by_file.image.data)) as image:
        assert image.size == (1024, 1024)
        assert image.getpixel((0, 0)) == (0x14, 0x16, 0x1C, 255)


async def test_a_logo_needs_a_name(local: LocalProvider) -> None:
    with pytest.raises(ProviderError, match="needs the brand's name") as error:
        await local.generate(request(references=(), brief=Brief("a fine logo", " ")))
    assert error.value.code == ErrorCode.INVALID


FORGED = metadata.embed(BLUE.data, metadata.Mark(DigitalSource.DRAWN, {"design": {"mark": "dragon"}}))


@pytest.mark.parametrize(("data", "code"), [(BLUE.data, ErrorCode.UNSUPPORTED), (FORGED, ErrorCode.INVALID)])
async def test_what_was_not_drawn_here_cannot_be_edited(
    local: LocalProvider, data: bytes, code: ErrorCode
) -> None:
    with pytest.raises(ProviderError) as error:
        await local.edit(ImageRequest("in teal", [replace(blob(data), role="parent")]))
    assert error.value.code == code


PERSON = replace(blob(encode(open_rgb(photo("astronaut.png"), longest_side=256))), role="person")
SHIRT = replace(blob(encode(shirt()[0])), role="garment")


async def test_a_try_on_is_a_preview_and_says_so(local: LocalProvider) -> None:
    trousers = replace(SHIRT, slot="lower_body")
    result = await local.try_on(ImageRequest("try it on", [PERSON, SHIRT, trousers], seed=3))
    assert result.details["preview"]
    assert 0.2 < result.details["confidence"] < 0.45
    assert "placement preview" in result.call.warnings[0]
    assert "not placed: lower_body; only tops can be" in result.call.warnings
    mark = metadata.read(result.image.data)
    assert mark is not None
    assert mark.source == DigitalSource.COMPOSED_OF_PHOTOS
    assert (result.image.width, result.image.height) == (256, 256)


@pytest.mark.parametrize(
    ("references", "code"),
    [
        ([PERSON], ErrorCode.INVALID),
        ([PERSON, replace(SHIRT, slot="lower_body")], ErrorCode.UNSUPPORTED),
        ([replace(BLUE, role="person"), SHIRT], ErrorCode.UNSUPPORTED),
    ],
)
async def test_what_cannot_be_tried_on_is_said(
    local: LocalProvider, references: list[ImageBlob], code: ErrorCode
) -> None:
    with pytest.raises(ProviderError) as error:
        await local.try_on(ImageRequest("try it on", references))
    assert error.value.code == code


async def test_a_person_is_cut_out_by_the_face(local: LocalProvider) -> None:
    result = await local.remove_background(of(PERSON))
    with Image.open(io.BytesIO(result.image.data)) as image:
        alpha = np.asarray(image.getchannel("A"))
    assert alpha[30:80, 100:125].mean() > 250
    assert alpha[:50, 150:].mean() < 10


async def test_it_tells_the_attributes_that_can_be_measured(local: LocalProvider) -> None:
    names = ["Colour", "shape", "texture", "brand", "resolution", "sharpness", "Quality"]
    told = (await local.attributes(BLUE, names)).value
    assert [attribute.name for attribute in told] == names
    assert [attribute.value for attribute in told] == [
        "blue",
        "compact",
        "smooth",
        None,
        "320 x 320 px",
        "sharp",
        "low resolution",
    ]
    assert told[0].confidence is not None
    assert 0.5 < told[0].confidence < 0.9
    assert told[3].confidence == 0


async def test_it_composes_and_does_not_invent(local: LocalProvider) -> None:
    with pytest.raises(ProviderError) as error:
        await local.generate(request(references=[]))
    assert error.value.code == ErrorCode.INVALID


@pytest.mark.parametrize("data", [b"nothing", png_bomb(300, 300), png_bomb(50_000, 50_000)])
async def test_a_bad_picture_is_the_callers_mistake(local: LocalProvider, data: bytes) -> None:
    with pytest.raises(ProviderError) as error:
        await local.remove_background(of(ImageBlob(data, "image/png", 300, 300)))
    assert error.value.code == ErrorCode.INVALID
    assert not error.value.retryable


async def test_a_fault_of_ours_is_logged_and_retryable(
    local: LocalProvider, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ProviderError) as error:
        await local.generate(request(seed=-1))
    assert error.value.code == ErrorCode.BAD_RESPONSE
    assert "Traceback" in caplog.records[-1].trace  # type: ignore[attr-defined]
    assert (await local.defects(BLUE)).value


def newest_child() -> psutil.Process:
    """The provider's own: those of earlier tests, and the test run's servers, are older."""
    return max(psutil.Process().children(), key=lambda child: child.create_time())


async def test_heavy_work_is_done_one_at_a_time_and_the_rest_side_by_side() -> None:
    """A child is started only if none is idle, so their number tells how much ran at once."""
    pool = ChildPool(2)
    before = {child.pid for child in psutil.Process().children()}

    async def started(heavy: bool) -> int:
        await asyncio.gather(*(pool.run("defects", TINY, heavy=heavy) for _ in range(2)))
        return len({child.pid for child in psutil.Process().children()} - before)

    try:
        assert await started(heavy=True) == 1
        assert await started(heavy=False) == 2
    finally:
        await pool.aclose()


@pytest.mark.parametrize(
    ("resolution", "side", "heavy"),
    [("1K", 4000, False), ("2K", 2048, False), ("2K", 4000, True), ("4K", 100, True)],
)
async def test_large_work_is_heavy(
    monkeypatch: pytest.MonkeyPatch, resolution: Any, side: int, heavy: bool
) -> None:
    asked = []

    async def run(self: ChildPool, function: str, *args: Any, heavy: bool = False, asker: Any = None) -> Any:
        asked.append(heavy)
        raise ChildDied

    monkeypatch.setattr(ChildPool, "run", run)
    large = replace(BLUE, width=side, height=side)
    for call in (LocalProvider().generate, LocalProvider().try_on):
        with pytest.raises(ProviderError):
            await call(ImageRequest("on marble", [large], resolution=resolution))
    with pytest.raises(ProviderError):
        await LocalProvider().remove_background(of(large))
    with pytest.raises(ProviderError):  # the primary photo alone is composed
        await LocalProvider().generate(ImageRequest("on marble", [BLUE, large], resolution="2K"))
    assert asked == [heavy, heavy, side > 2048, False]


async def test_a_child_works_on_one_thread(local: LocalProvider) -> None:
    await local.defects(BLUE)
    assert newest_child().num_threads() == 1


async def at_work(child: psutil.Process) -> None:
    """Returns once the child has worked on its task for a while."""
    before = child.cpu_times().user

    async def busy() -> bool:
        return child.cpu_times().user > before + 0.1

    await eventually(busy)


async def test_a_killed_child_is_a_retryable_failure_and_is_replaced(local: LocalProvider) -> None:
    await local.defects(BLUE)
    child = newest_child()
    running = asyncio.create_task(local.describe([BLUE] * 8, Hints()))
    await at_work(child)
    child.kill()
    with pytest.raises(ProviderError) as error:
        await running
    assert error.value.code == ErrorCode.UNAVAILABLE
    assert error.value.retryable
    assert (await local.defects(BLUE)).value


async def test_a_child_killed_while_idle_is_not_even_noticed(local: LocalProvider) -> None:
    await local.defects(BLUE)
    child = newest_child()
    child.kill()

    async def gone() -> bool:
        return not psutil.pid_exists(child.pid)

    await eventually(gone)
    assert (await local.defects(BLUE)).value


async def test_cancelling_frees_the_processor(local: LocalProvider) -> None:
    await local.defects(BLUE)
    child = newest_child()
    running = asyncio.create_task(local.describe([BLUE] * 8, Hints()))
    await at_work(child)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not psutil.pid_exists(child.pid)
    assert (await local.defects(BLUE)).value


PARENT = """
import asyncio, sys
from libs.providers.base import ImageBlob
from libs.providers.local.pool import ChildDied, ChildPool
from libs.providers.local.provider import LocalProvider

async def main():
    provider = LocalProvider(1)
    picture = ImageBlob(open(sys.argv[1], "rb").read(), "image/png", 320, 320)
    await provider.defects(picture)
    print({"cv2", "numpy"} & sys.modules.keys(), flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_the_parent_imports_no_opencv_and_its_children_end_with_it(tmp_path: Path) -> None:
    picture = tmp_path / "mug.png"
    picture.write_bytes(BLUE.data)
    command = [sys.executable, "-c", PARENT, str(picture)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:  # noqa: ASYNC220
        assert parent.stdout is not None
        assert parent.stdout.readline() == "set()\n"
        (child,) = psutil.Process(parent.pid).children()
        parent.send_signal(signal.SIGKILL)
    child.wait(timeout=60)

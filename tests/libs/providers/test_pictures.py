"""What is sent tells no more than its pixels; what comes back is looked at before it is believed."""

import io

import pytest
from PIL import Image

from libs.imaging import metadata
from libs.imaging.decode import inspect
from libs.imaging.metadata import DigitalSource
from libs.providers.base import ImageBlob, ImageOut
from libs.providers.errors import ErrorCode, ProviderError
from libs.providers.pictures import LONGEST_SIDE, accept, to_send, unlike
from tests.peers.stub import picture

ORIENTATION, MAKER = 0x0112, 0x010F
RECORD = {"provider": "anna", "model": "anna-1"}


def encoded(size: tuple[int, int], kind: str = "PNG", mode: str = "RGB", *, turned: bool = False) -> bytes:
    data, exif = io.BytesIO(), Image.Exif()
    if turned:
        exif[ORIENTATION], exif[MAKER] = 6, "Camera of Ada"
    Image.new(mode, size, "teal").save(data, kind, exif=exif)
    return data.getvalue()


async def test_a_photo_is_sent_upright_and_without_what_its_camera_wrote() -> None:
    photo = ImageBlob(encoded((200, 100), "JPEG", turned=True), "image/jpeg", 100, 200, "garment", "feet")
    [sent] = await to_send([photo])
    with Image.open(io.BytesIO(sent.data)) as image:
        assert image.size == (sent.width, sent.height) == (100, 200)
    assert inspect(sent.data).bare
    assert b"Ada" not in sent.data
    assert (sent.role, sent.slot) == ("garment", "feet")


async def test_a_large_picture_is_sent_smaller_and_keeps_its_transparency() -> None:
    large = ImageBlob(encoded((3000, 300), mode="RGBA"), "image/png", 3000, 300)
    [sent] = await to_send([large])
    assert (sent.mime, sent.width, sent.height) == ("image/png", LONGEST_SIDE, 205)


async def test_what_is_bare_already_is_sent_as_it_is() -> None:
    small = ImageBlob(encoded((100, 100)), "image/png", 100, 100)
    assert inspect(small.data).bare
    [sent] = await to_send([small])
    assert sent is small


async def test_what_comes_back_is_measured_and_marked() -> None:
    out = await accept(encoded((96, 64), "WEBP"), DigitalSource.GENERATED, RECORD, seed=7)
    assert (out.mime, out.width, out.height, out.seed) == ("image/webp", 96, 64, 7)
    mark = metadata.read(out.data)
    assert mark
    assert mark.source == "trainedAlgorithmicMedia"
    assert mark.record == {**RECORD, "seed": 7}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<html>", "not_an_image"),
        (encoded((96, 64))[:-30], "image_truncated"),
        (encoded((96, 64))[:60] + b"???" + encoded((96, 64))[63:], "image_damaged"),
        (encoded((96, 64), "GIF"), "unsupported_image_type"),
    ],
)
async def test_what_is_no_whole_picture_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ProviderError, match="the picture is unusable") as error:
        await accept(data, DigitalSource.GENERATED, RECORD)
    assert (error.value.code, error.value.reason) == (ErrorCode.BAD_RESPONSE, reason)
    assert error.value.provider == "anna"


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
async def test_transparency_that_was_asked_for_must_be_there(mode: str) -> None:
    """In the pixels: a channel for it is not enough."""
    with pytest.raises(ProviderError, match="not transparent"):
        await accept(encoded((96, 64), mode=mode), DigitalSource.GENERATED, RECORD, transparent=True)
    clear = picture(96, 64, alpha=True)
    assert (await accept(clear, DigitalSource.GENERATED, RECORD, transparent=True)).width == 96


async def test_a_picture_of_nothing_and_one_that_moves_are_refused() -> None:
    nothing, moving = io.BytesIO(), io.BytesIO()
    Image.new("RGBA", (96, 64)).save(nothing, "PNG")
    frames = [Image.new("RGB", (96, 64), colour) for colour in ("teal", "navy")]
    frames[0].save(moving, "WEBP", save_all=True, append_images=frames[1:])
    for data, reason in ((nothing, "image_empty"), (moving, "image_animated")):
        with pytest.raises(ProviderError) as error:
            await accept(data.getvalue(), DigitalSource.GENERATED, RECORD)
        assert error.value.reason == reason


@pytest.mark.parametrize(
    ("got", "differs"),
    [
        ((1376, 768), False),
        ((1365, 768), False),
        ((2752, 1536), False),
        ((1024, 1024), True),
        ((768, 1376), True),
        ((1200, 768), True),
        ((688, 384), True),
    ],
    ids=["as it is made", "exactly", "larger", "square", "upright", "narrower", "a quarter"],
)
def test_a_picture_unlike_what_was_asked_for_is_told_of(got: tuple[int, int], differs: bool) -> None:
    picture = ImageOut(b"", "image/png", *got, "", None)
    told = unlike(picture, (1365.3, 768), "16:9 at 1K")
    assert told == ((f"asked for 16:9 at 1K, got {got[0]} x {got[1]}",) if differs else ())

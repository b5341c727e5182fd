"""Pictures: what is sent, what is taken from an answer, and what is not believed."""

import json
from base64 import b64encode
from collections.abc import Awaitable, Callable

import pytest

from libs.imaging import metadata
from libs.imaging.decode import inspect
from libs.imaging.metadata import DigitalSource
from libs.providers.base import Hints, ImageBlob, ImageProvider, ImageRequest, ImageResult
from libs.providers.errors import ErrorCode, ProviderError
from libs.providers.gemini.provider import GeminiProvider
from libs.providers.settings import ProviderSettings
from tests.peers.gemini import GeminiStub
from tests.peers.stub import picture

Act = Callable[[GeminiProvider, ImageRequest, str], Awaitable[ImageResult]]
MODEL = "gemini-3.1-flash-image"
PHOTO = ImageBlob(picture(80, 80, 7), "image/png", 80, 80)
SHIRT = ImageBlob(picture(80, 80, 8), "image/png", 80, 80, "garment")


async def test_a_picture_is_asked_for_with_its_photos_ratio_size_and_seed(
    gemini: GeminiProvider, stub: GeminiStub
) -> None:
    assert isinstance(gemini, ImageProvider)
    request = ImageRequest("a mug", [PHOTO, SHIRT], "16:9", "2K", seed=41)
    made = await gemini.generate(request, MODEL)
    [call] = stub.calls
    assert (call.path, call.key, call.text) == (f"/v1/models/{MODEL}:generateContent", "k", "a mug")
    assert call.images == (PHOTO.data, SHIRT.data)
    asked = call.body["generationConfig"]
    assert asked["imageConfig"] == {"aspectRatio": "16:9", "imageSize": "2K"}
    assert (asked["responseModalities"], asked["seed"]) == (["IMAGE"], 41)
    assert (made.image.width, made.image.height, made.image.mime) == (2752, 1536, "image/png")
    assert inspect(made.image.data).width == 2752


async def test_the_call_is_told(gemini: GeminiProvider) -> None:
    made = await gemini.generate(ImageRequest("a mug"), MODEL)
    assert (made.call.provider, made.call.model, made.call.request_id) == ("gemini", MODEL, "response-1")
    assert (made.call.usage.input_tokens, made.call.usage.output_tokens) == (270, 1230)
    assert (made.call.usage.image_output_tokens, made.call.usage.total_tokens) == (1120, 1500)
    assert made.call.latency_ms > 0
    assert (made.call.finish_reason, made.call.warnings, made.call.attempts) == ("STOP", (), 1)


@pytest.mark.parametrize(
    ("act", "source"),
    [
        (GeminiProvider.generate, DigitalSource.GENERATED),
        (GeminiProvider.edit, DigitalSource.EDITED_BY_MODEL),
        (GeminiProvider.try_on, DigitalSource.EDITED_BY_MODEL),
    ],
)
async def test_a_picture_says_where_it_comes_from(
    gemini: GeminiProvider, act: Act, source: DigitalSource
) -> None:
    request = ImageRequest("warmer", [PHOTO, SHIRT], seed=5, provenance={"image_id": "i-1"})
    mark = metadata.read((await act(gemini, request, MODEL)).image.data)
    assert mark
    assert mark.source == source
    told = {"provider": "gemini", "model": MODEL, "prompt": "warmer", "seed": 5, "image_id": "i-1"}
    assert mark.record == told


@pytest.mark.parametrize("word", ["think", "several"])
async def test_of_drafts_and_pictures_the_last_picture_is_taken(gemini: GeminiProvider, word: str) -> None:
    made = await gemini.generate(ImageRequest(f"a mug [[{word}]]", aspect_ratio="3:4"), MODEL)
    assert (made.image.width, made.image.height, made.text) == (896, 1200, None)


async def test_what_is_not_offered_is_told(
    gemini: GeminiProvider, stub: GeminiStub, settings: ProviderSettings
) -> None:
    request = ImageRequest("a mug", [PHOTO] * 15, resolution="4K", transparent=True)
    made = await gemini.generate(request, settings.gemini_image_model_cheap)
    assert len(stub.calls[0].images) == 14
    assert stub.calls[0].body["generationConfig"]["imageConfig"]["imageSize"] == "1K"
    assert len(made.call.warnings) == 3
    with pytest.raises(ProviderError) as refused:
        await gemini.remove_background(ImageRequest("", [PHOTO]), MODEL)
    assert refused.value.code == ErrorCode.UNSUPPORTED


async def test_what_was_not_followed_is_told(gemini: GeminiProvider, stub: GeminiStub) -> None:
    for ratio in ("1:1", "3:2", "4:5", "16:9", "3:4"):
        for resolution in ("1K", "2K"):
            made = await gemini.generate(ImageRequest("a mug", [], ratio, resolution), MODEL)
            assert made.call.warnings == (), "its sides are whole steps of pixels"
    drawn = {"inlineData": {"mimeType": "image/png", "data": b64encode(picture(1024, 1024)).decode()}}
    stub.says = 200, {"candidates": [{"content": {"parts": [drawn]}}]}
    made = await gemini.generate(ImageRequest("a mug", aspect_ratio="16:9"), MODEL)
    assert made.call.warnings == ("asked for 16:9 at 1K, got 1024 x 1024",)
    made = await gemini.generate(ImageRequest("a mug", resolution="4K"), MODEL)
    assert made.call.warnings == ("asked for 1:1 at 4K, got 1024 x 1024",)


@pytest.mark.parametrize(
    ("word", "code", "words"),
    [
        ("garbage", ErrorCode.BAD_RESPONSE, "unusable"),
        ("text", ErrorCode.NO_IMAGE, "Which colour would you like?"),
        ("none", ErrorCode.NO_IMAGE, "without a picture"),
        ("truncate", ErrorCode.TRUNCATED, "cut off"),
        ("refuse", ErrorCode.REFUSED, "safety filter"),
        ("blocked", ErrorCode.REFUSED, "makes no pictures of this kind"),
    ],
)
async def test_an_answer_without_a_usable_picture(
    gemini: GeminiProvider, word: str, code: ErrorCode, words: str
) -> None:
    with pytest.raises(ProviderError, match=words) as failed:
        await gemini.generate(ImageRequest(f"a mug [[{word}]]"), MODEL)
    assert (failed.value.code, failed.value.provider) == (code, "gemini")
    assert failed.value.usage, "it has to be paid for all the same"


async def test_of_what_it_says_no_more_is_kept_than_an_event_holds(
    gemini: GeminiProvider, stub: GeminiStub
) -> None:
    long, drawn = "é\0" * 100_000, b64encode(picture(64, 64)).decode()
    parts = [{"text": long}, {"inlineData": {"mimeType": "image/png", "data": drawn}}]
    details = [{"modality": long, "tokenCount": 5}]
    stub.says = (
        200,
        {
            "candidates": [{"content": {"parts": parts}, "finishReason": long}],
            "usageMetadata": {"promptTokenCount": 270, "promptTokensDetails": details},
            "modelVersion": long,
            "responseId": long,
        },
    )
    made = await gemini.generate(ImageRequest("a mug"), MODEL)
    assert made.text
    assert (len(made.text), made.text[-1]) == (4_000, "…")
    assert len(json.dumps(made.call.record())) < 5_000
    assert (made.call.model, made.call.usage.input_tokens) == ("é\ufffd" * 100, 270)


@pytest.mark.real("GEMINI_API_KEY")
async def test_the_real_service_describes_and_paints(real_key: str) -> None:
    settings = ProviderSettings(gemini_api_key=real_key)
    gemini = GeminiProvider(settings)
    photo = ImageBlob(picture(512, 512), "image/png", 512, 512)
    seen = await gemini.describe([photo], Hints(), settings.gemini_vision_model)
    assert seen.value.confidence is not None
    request = ImageRequest("A green square tile on white marble", [photo], "4:5")
    made = await gemini.generate(request, settings.gemini_image_model_cheap)
    assert made.image.height > made.image.width
    assert made.call.usage.image_output_tokens
    await gemini.aclose()

"""What the vision model is asked, and what its answers become."""

import pytest

from libs.providers import spec_yaml
from libs.providers.base import Brief, Hints, ImageBlob, TextProvider, VisionProvider
from libs.providers.errors import ErrorCode, ProviderError
from libs.providers.gemini.provider import GeminiProvider
from tests.peers.gemini import GeminiStub
from tests.peers.stub import picture

MODEL = "gemini-3.8-flash"
PHOTO = ImageBlob(picture(80, 80, 7), "image/png", 80, 80)


async def test_photos_become_a_specification(gemini: GeminiProvider, stub: GeminiStub) -> None:
    assert isinstance(gemini, VisionProvider)
    seen = await gemini.describe([PHOTO, PHOTO], Hints(title="Blue mug"), MODEL)
    [call] = stub.calls
    assert call.path == f"/v1/models/{MODEL}:generateContent"
    assert call.images == (PHOTO.data, PHOTO.data)
    assert "Blue mug" in call.text
    assert call.body["generationConfig"]["responseMimeType"] == "application/json"
    assert (seen.value.schema_, seen.value.template_version) == ("product-spec/1", "1.0")
    assert (seen.value.title, seen.value.confidence_overall) == ("example", 0.5)
    assert spec_yaml.parse_yaml(spec_yaml.dump(seen.value)) == seen.value
    assert (seen.call.model, seen.call.usage.output_tokens) == (MODEL, 1230)


async def test_labels_are_those_that_were_asked_about(gemini: GeminiProvider) -> None:
    assert (await gemini.classify(PHOTO, ["mug", "example"], MODEL)).value == {"mug": 0.0, "example": 0.5}
    assert (await gemini.classify(PHOTO, [], MODEL)).value == {"example": 0.5}


async def test_an_attribute_that_is_not_told_is_unknown(gemini: GeminiProvider) -> None:
    seen = (await gemini.attributes(PHOTO, ["pattern", "example"], MODEL)).value
    assert [(one.name, one.value) for one in seen] == [("pattern", None), ("example", "example")]


async def test_defects_have_a_place(gemini: GeminiProvider) -> None:
    [defect] = (await gemini.defects(PHOTO, MODEL)).value
    assert defect.box
    assert (defect.scope, defect.severity, defect.box.w) == ("photo", "low", 0.5)


async def test_prompts_are_written_out_of_a_brief(gemini: GeminiProvider, stub: GeminiStub) -> None:
    assert isinstance(gemini, TextProvider)
    written = await gemini.prompts(Brief("a calm brand for tea"), 1, MODEL)
    assert written.value == ("example",)
    assert "a calm brand for tea" in stub.calls[0].text
    with pytest.raises(ProviderError) as failed:
        await gemini.prompts(Brief("a calm brand for tea"), 2, MODEL)
    assert failed.value.code == ErrorCode.BAD_RESPONSE


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("garbage", ErrorCode.BAD_RESPONSE),
        ("text", ErrorCode.BAD_RESPONSE),
        ("none", ErrorCode.BAD_RESPONSE),
        ("truncate", ErrorCode.TRUNCATED),
        ("blocked", ErrorCode.REFUSED),
        ("500", ErrorCode.UNAVAILABLE),
    ],
)
async def test_an_answer_that_is_no_specification(gemini: GeminiProvider, word: str, code: ErrorCode) -> None:
    with pytest.raises(ProviderError) as failed:
        await gemini.describe([PHOTO], Hints(title=f"Mug [[{word}]]"), MODEL)
    assert failed.value.code == code

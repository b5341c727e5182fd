"""What the vision model is asked, and what its answers become."""

import pytest

from libs.providers import spec_yaml
from libs.providers.base import Brief, Hints, ImageBlob, TextProvider, VisionProvider
from libs.providers.errors import ErrorCode, ProviderError
from libs.providers.gemini.provider import GeminiProvider
from tests.peers import gemini as peer_of
from tests.peers.server import Answer, Peer, png

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODEL = "gemini-3.8-flash"
PHOTO = ImageBlob(png(80, 80, False), "image/png", 80, 80)


async def test_photos_become_a_specification(gemini: GeminiProvider, peer: Peer) -> None:
    assert isinstance(gemini, VisionProvider)
    seen = await gemini.describe([PHOTO, PHOTO], Hints(title="Blue mug"), MODEL)
    [call] = peer.calls
    assert call.path == f"/v1/models/{MODEL}:generateContent"
    assert peer_of.images(call) == [PHOTO.data, PHOTO.data]
    assert "Blue mug" in peer_of.text(call)
    assert call.body["generationConfig"]["responseMimeType"] == "application/json"
    assert (seen.value.schema_, seen.value.template_version) == ("product-spec/1", "1.0")
    assert (seen.value.title, seen.value.confidence_overall) == ("example", 0.5)
    assert spec_yaml.parse_yaml(spec_yaml.dump(seen.value)) == seen.value
    assert (seen.call.model, seen.call.usage.output_tokens) == (MODEL, 1200)


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


async def test_prompts_are_written_out_of_a_brief(gemini: GeminiProvider, peer: Peer) -> None:
    assert isinstance(gemini, TextProvider)
    written = await gemini.prompts(Brief("a calm brand for tea"), 1, MODEL)
    assert written.value == ("example",)
    assert "a calm brand for tea" in peer_of.text(peer.calls[0])
    with pytest.raises(ProviderError, match="1 prompts instead of 2") as failed:
        await gemini.prompts(Brief("a calm brand for tea"), 2, MODEL)
    assert failed.value.code == ErrorCode.BAD_RESPONSE


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (peer_of.told("A mug."), ErrorCode.BAD_RESPONSE),
        (peer_of.told('{"defects": "none"}'), ErrorCode.BAD_RESPONSE),
        (peer_of.nothing, ErrorCode.BAD_RESPONSE),
        (peer_of.truncated, ErrorCode.TRUNCATED),
        (peer_of.blocked("SAFETY"), ErrorCode.REFUSED),
        (peer_of.problem(500, "INTERNAL"), ErrorCode.UNAVAILABLE),
    ],
)
async def test_an_answer_that_is_of_no_use(
    gemini: GeminiProvider, peer: Peer, answer: Answer, code: ErrorCode
) -> None:
    peer.then(answer)
    with pytest.raises(ProviderError) as failed:
        await gemini.defects(PHOTO, MODEL)
    assert failed.value.code == code

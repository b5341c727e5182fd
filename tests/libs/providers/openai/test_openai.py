"""The adapter and the real SDK against a server that speaks the protocol: every capability and every failure."""

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import pytest_asyncio

from libs.imaging import metadata
from libs.imaging.decode import inspect
from libs.providers.base import (
    Analysis,
    Brief,
    Hints,
    ImageBlob,
    ImageProvider,
    ImageRequest,
    TextProvider,
    VisionProvider,
)
from libs.providers.errors import ErrorCode, ProviderError
from libs.providers.openai.images import size_for, size_like
from libs.providers.openai.provider import OpenAIProvider
from libs.providers.prompts import vision as questions
from libs.providers.prompts.background import REMOVE
from libs.providers.record import Usage
from libs.providers.settings import ProviderSettings
from libs.providers.specification import ProductSpec
from tests.libs.common.waiting import eventually
from tests.peers.openai import USAGE, OpenAIStub
from tests.peers.stub import picture, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

VISION, IMAGES, FINE = "gpt-6.1-terra", "gpt-image-2.6-flare", "gpt-image-2.6-sunburst"
PNG = picture(96, 64)


def blob(role: Any = "product", width: int = 96, height: int = 64, shade: int = 0) -> ImageBlob:
    return ImageBlob(picture(96, 64, shade), "image/png", width, height, role)


@pytest.fixture(scope="module")
def shared() -> OpenAIStub:
    return OpenAIStub()


@pytest.fixture(scope="module")
def url(shared: OpenAIStub) -> Iterator[str]:
    with serving(shared) as origin:
        yield f"{origin}/v1"


@pytest.fixture
def stub(shared: OpenAIStub) -> OpenAIStub:
    """As if no other test had used it."""
    shared.calls.clear()
    shared.script.clear()
    shared.said = shared.says = None
    shared.untaken = frozenset()
    return shared


def opened(url: str, **settings: Any) -> OpenAIProvider:
    return OpenAIProvider(ProviderSettings(openai_api_key="sk-test", openai_base_url=url, **settings))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def in_styles(url: str) -> AsyncIterator[dict[str, OpenAIProvider]]:
    """Opened once, because each takes the time to read the system's certificates."""
    styles = {style: opened(url, openai_api_style=style) for style in ("responses", "chat")}
    yield styles
    for provider in styles.values():
        await provider.aclose()


@pytest.fixture
def openai(stub: OpenAIStub, in_styles: dict[str, OpenAIProvider]) -> OpenAIProvider:
    return in_styles["responses"]


@pytest.fixture(params=["responses", "chat"])
def either(
    stub: OpenAIStub, in_styles: dict[str, OpenAIProvider], request: pytest.FixtureRequest
) -> OpenAIProvider:
    """In both styles."""
    return in_styles[request.param]


async def described(provider: OpenAIProvider) -> Analysis[ProductSpec]:
    return await provider.describe([blob(), blob()], Hints(title="Mug"), VISION)


async def test_it_speaks_all_three_protocols(openai: OpenAIProvider) -> None:
    assert isinstance(openai, VisionProvider)
    assert isinstance(openai, TextProvider)
    assert isinstance(openai, ImageProvider)


async def test_photos_become_a_specification(stub: OpenAIStub, either: OpenAIProvider) -> None:
    answer = await described(either)
    assert answer.value.title == "example"
    assert answer.value.colours
    assert answer.value.colours.items[0].hex == "#336699"
    assert answer.call.provider == "openai"
    assert answer.call.model == VISION
    assert answer.call.request_id == "req_1"
    assert answer.call.usage.input_tokens in (900, 800)
    assert answer.call.latency_ms > 0


async def test_the_question_carries_the_photos_the_hints_and_a_strict_schema(
    stub: OpenAIStub, openai: OpenAIProvider
) -> None:
    answer = await described(openai)
    [call] = stub.calls
    assert call.key == "sk-test"
    assert call.body["instructions"] == questions.ROLE
    assert call.body["store"] is False
    text, first, second = call.body["input"][0]["content"]
    assert text["text"] == questions.describe(Hints(title="Mug"))
    assert first == second
    assert base64.b64decode(first["image_url"].removeprefix("data:image/png;base64,")) == PNG
    form = call.body["text"]["format"]
    assert (form["type"], form["strict"]) == ("json_schema", True)
    assert form["schema"]["additionalProperties"] is False
    usage = answer.call.usage
    assert usage == Usage(900, 120, 1020, cached_input_tokens=100, details=USAGE)


async def test_a_compatible_server_is_asked_in_chat_style(
    stub: OpenAIStub, in_styles: dict[str, OpenAIProvider]
) -> None:
    await described(in_styles["chat"])
    [call] = stub.calls
    assert call.path == "/v1/chat/completions"
    assert [message["role"] for message in call.body["messages"]] == ["system", "user"]
    assert call.body["response_format"]["json_schema"]["strict"] is True


@pytest.mark.parametrize(
    ("style", "untaken", "in_its_place"),
    [
        ("chat", "max_tokens", "max_completion_tokens"),
        ("chat", "response_format", None),
        ("responses", "reasoning.effort", None),
        ("responses", "text.format", None),
    ],
)
async def test_a_parameter_that_a_model_does_not_take_is_left_out_and_that_is_remembered(
    stub: OpenAIStub, url: str, style: Any, untaken: str, in_its_place: str | None
) -> None:
    stub.untaken, stub.said = frozenset({untaken}), '```json\n{"defects": []}\n```'
    provider = opened(url, openai_api_style=style)
    for _ in range(2):
        assert (await provider.defects(blob(), VISION)).value == ()
    first, second, third = (call.body for call in stub.calls)
    name = untaken.partition(".")[0]
    assert name in first
    assert name not in second
    assert second == third, "the next call knows"
    assert in_its_place is None or in_its_place in second
    told = second.get("instructions") or second["messages"][0]["content"]
    assert ("by this schema" in told) == (name in ("response_format", "text"))
    await provider.aclose()


async def test_all_that_can_be_left_out_is_but_no_more(stub: OpenAIStub, url: str) -> None:
    stub.untaken = frozenset({"response_format", "max_tokens", "max_completion_tokens"})
    stub.said = '{"defects": []}'
    provider = opened(url, openai_api_style="chat")
    await provider.defects(blob(), VISION)
    assert [len(call.body) for call in stub.calls] == [4, 4, 3, 2]
    stub.untaken |= {"messages"}
    with pytest.raises(ProviderError) as error:
        await provider.defects(blob(), VISION)
    assert (error.value.code, len(stub.calls)) == (ErrorCode.INVALID, 5)
    await provider.aclose()


async def test_servers_that_name_the_parameter_in_their_words_are_understood(
    stub: OpenAIStub, url: str
) -> None:
    provider = opened(url, openai_api_style="chat")
    stub.says = 422, {"detail": "response_format: json_schema is not supported"}
    with pytest.raises(ProviderError) as error:
        await provider.defects(blob(), VISION)
    assert (error.value.code, len(stub.calls)) == (ErrorCode.INVALID, 2)
    await provider.aclose()


async def test_the_other_questions(stub: OpenAIStub, either: OpenAIProvider) -> None:
    [defect] = (await either.defects(blob(), VISION)).value
    assert (defect.kind, defect.severity) == ("example", "low")
    stub.said = '{"labels": [{"label": "mug", "confidence": 0.9}]}'
    assert (await either.classify(blob(), ["mug", "vase"], VISION)).value == {"mug": 0.9, "vase": 0.0}
    stub.said = '{"attributes": [{"name": "pattern", "value": "striped", "confidence": 0.8}]}'
    [pattern, fit] = (await either.attributes(blob(), ["pattern", "fit"], VISION)).value
    assert (pattern.value, fit.value) == ("striped", None)
    stub.said = '{"prompts": ["one", "two", "three"]}'
    assert (await either.prompts(Brief("waves"), 2, VISION)).value == ("one", "two")
    with pytest.raises(ProviderError) as error:
        await either.prompts(Brief("waves"), 4, VISION)
    assert error.value.code == ErrorCode.BAD_RESPONSE


async def test_a_picture_is_made_out_of_references(stub: OpenAIStub, openai: OpenAIProvider) -> None:
    request = ImageRequest("on marble", [blob()] * 3, "4:5", "1K", seed=7, provenance={"request_id": "r-1"})
    result = await openai.generate(request, FINE)
    [call] = stub.calls
    assert call.path == "/v1/images/edits"
    assert call.images == (PNG, PNG, PNG)
    assert call.body["prompt"] == "on marble"
    assert (call.body["model"], call.body["quality"], call.body["n"]) == (FINE, "high", "1")
    assert call.body["size"] == "912x1152"
    assert (result.image.width, result.image.height, result.image.mime) == (912, 1152, "image/png")
    usage = result.call.usage
    assert (usage.image_input_tokens, usage.image_output_tokens) == (900, 1056)
    mark = metadata.read(result.image.data)
    assert mark
    assert mark.source == "trainedAlgorithmicMedia"
    expected = {"provider": "openai", "model": FINE, "request_id": "r-1", "prompt": "on marble", "seed": None}
    assert mark.record == expected
    assert any("seed" in warning for warning in result.call.warnings)


async def test_what_was_not_followed_is_told(stub: OpenAIStub, openai: OpenAIProvider) -> None:
    made = await openai.generate(ImageRequest("on marble", aspect_ratio="16:9"), IMAGES)
    assert not any("asked for" in warning for warning in made.call.warnings)
    stub.says = 200, {"data": [{"b64_json": base64.b64encode(picture(1024, 1024)).decode()}]}
    made = await openai.generate(ImageRequest("on marble", aspect_ratio="16:9"), IMAGES)
    assert made.call.warnings[1:] == ("asked for 1360 x 768, got 1024 x 1024",)


async def test_a_picture_out_of_nothing(stub: OpenAIStub, openai: OpenAIProvider) -> None:
    await openai.generate(ImageRequest("a logo", transparent=True), IMAGES)
    [call] = stub.calls
    assert call.path == "/v1/images/generations"
    assert (call.body["background"], call.body["quality"]) == ("transparent", "medium")


async def test_no_more_than_sixteen_references_are_sent(stub: OpenAIStub, openai: OpenAIProvider) -> None:
    result = await openai.generate(ImageRequest("x", [blob()] * 18), IMAGES)
    assert len(stub.calls[0].images) == 16
    assert "2 pictures were left out: OpenAI takes 16" in result.call.warnings


async def test_the_first_of_several_pictures_is_taken(stub: OpenAIStub, openai: OpenAIProvider) -> None:
    stub.script.append("several")
    assert (await openai.generate(ImageRequest("x"), IMAGES)).image.width == 1024


@pytest.mark.parametrize("change", ["edit", "try_on"])
async def test_what_is_changed_keeps_its_proportions(
    stub: OpenAIStub, openai: OpenAIProvider, change: str
) -> None:
    references = [blob("parent", 1200, 800, shade=2), blob("reference", shade=1)]
    result = await getattr(openai, change)(ImageRequest("make it blue", references, "1:1"), IMAGES)
    assert stub.calls[0].images == (picture(96, 64, 2), picture(96, 64, 1))
    assert stub.calls[0].body["size"] == "1248x832"
    mark = metadata.read(result.image.data)
    assert mark
    assert mark.source == "compositeWithTrainedAlgorithmicMedia"


async def test_a_background_is_removed(stub: OpenAIStub, openai: OpenAIProvider) -> None:
    result = await openai.remove_background(ImageRequest("", [blob()], resolution="2K"), IMAGES)
    body = stub.calls[0].body
    assert (body["prompt"], body["background"]) == (REMOVE, "transparent")
    assert inspect(result.image.data).format == "png"


async def test_an_opaque_picture_in_place_of_a_transparent_one_is_not_taken(
    stub: OpenAIStub, openai: OpenAIProvider
) -> None:
    stub.script.append("opaque")
    with pytest.raises(ProviderError, match="not transparent") as error:
        await openai.remove_background(ImageRequest("", [blob()], resolution="2K"), IMAGES)
    assert error.value.code == ErrorCode.BAD_RESPONSE


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("400", ErrorCode.INVALID),
        ("401", ErrorCode.AUTH),
        ("403", ErrorCode.PERMISSION),
        ("404", ErrorCode.MODEL_NOT_FOUND),
        ("408", ErrorCode.TIMEOUT),
        ("409", ErrorCode.UNAVAILABLE),
        ("413", ErrorCode.INVALID),
        ("422", ErrorCode.INVALID),
        ("429", ErrorCode.RATE_LIMITED),
        ("busy", ErrorCode.RATE_LIMITED),
        ("quota", ErrorCode.QUOTA),
        ("billing", ErrorCode.QUOTA),
        ("moderation", ErrorCode.REFUSED),
        ("500", ErrorCode.UNAVAILABLE),
        ("html", ErrorCode.UNAVAILABLE),
        ("503", ErrorCode.UNAVAILABLE),
        ("reset", ErrorCode.UNAVAILABLE),
        ("broken", ErrorCode.BAD_RESPONSE),
        ("garbage", ErrorCode.BAD_RESPONSE),
        ("alien", ErrorCode.BAD_RESPONSE),
        ("null", ErrorCode.BAD_RESPONSE),
        ("denied", ErrorCode.PERMISSION),
    ],
)
async def test_failures_of_any_request(
    stub: OpenAIStub, openai: OpenAIProvider, word: str, code: ErrorCode
) -> None:
    stub.script.extend([word, word])
    for asked in (described(openai), openai.generate(ImageRequest("x"), IMAGES)):
        with pytest.raises(ProviderError) as error:
            await asked
        assert error.value.code == code
    assert len(stub.calls) == 2, "the SDK repeats nothing"
    if word == "garbage":
        assert error.value.usage, "it has to be paid for all the same"


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("refuse", ErrorCode.REFUSED),
        ("filter", ErrorCode.REFUSED),
        ("truncate", ErrorCode.TRUNCATED),
        ("garbage", ErrorCode.BAD_RESPONSE),
    ],
)
async def test_answers_that_are_none(
    stub: OpenAIStub, either: OpenAIProvider, word: str, code: ErrorCode
) -> None:
    stub.script.append(word)
    with pytest.raises(ProviderError) as error:
        await described(either)
    assert error.value.code == code
    if code in (ErrorCode.TRUNCATED, ErrorCode.BAD_RESPONSE):
        assert error.value.usage, "it has to be paid for all the same"


@pytest.mark.parametrize("word", ["alien", "null"])
async def test_json_of_no_protocol(stub: OpenAIStub, either: OpenAIProvider, word: str) -> None:
    stub.script.append(word)
    with pytest.raises(ProviderError) as error:
        await described(either)
    assert error.value.code == ErrorCode.BAD_RESPONSE


async def test_what_the_schema_lets_through_is_checked_again(
    stub: OpenAIStub, either: OpenAIProvider
) -> None:
    defect = {"kind": "spot", "scope": "photo", "severity": "low", "confidence": 0.5, "description": ""}
    stub.said = json.dumps({"defects": [{**defect, "image": -1, "box": None}]})
    with pytest.raises(ProviderError) as error:
        await either.defects(blob(), VISION)
    assert error.value.code == ErrorCode.BAD_RESPONSE
    assert error.value.usage, "it has to be paid for all the same"


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("failed", ErrorCode.UNAVAILABLE),
        ("limited", ErrorCode.RATE_LIMITED),
        ("unsafe", ErrorCode.REFUSED),
        ("unreadable", ErrorCode.INVALID),
    ],
)
async def test_a_response_that_failed_later(
    stub: OpenAIStub, openai: OpenAIProvider, word: str, code: ErrorCode
) -> None:
    stub.script.append(word)
    with pytest.raises(ProviderError) as error:
        await described(openai)
    assert error.value.code == code
    assert ("it failed" in error.value.message) == (not error.value.retryable), (
        "of its account no user learns"
    )


LONG = "é\0" * 100_000


async def test_of_what_it_says_no_more_is_kept_than_an_event_holds(
    stub: OpenAIStub, in_styles: dict[str, OpenAIProvider]
) -> None:
    said = json.dumps({"defects": []})
    usage = {"input_tokens": 900, "output_tokens": 1, "total_tokens": 901, "mark": LONG}
    output = [{"type": "message", "content": [{"type": "output_text", "text": said}]}]
    stub.says = 200, {"model": LONG, "status": LONG, "output": output, "usage": usage}
    call = (await in_styles["responses"].defects(blob(), VISION)).call
    assert len(json.dumps(call.record())) < 5_000
    assert (call.model, call.usage.input_tokens, call.usage.details) == ("é\ufffd" * 100, 900, {})
    choice = {"message": {"content": said}, "finish_reason": {"odd": LONG}}
    stub.says = 200, {"model": [LONG], "choices": [choice], "usage": usage}
    call = (await in_styles["chat"].defects(blob(), VISION)).call
    assert (call.model, call.finish_reason, call.usage.details) == (VISION, None, {})


async def test_of_a_failure_no_more_is_told_than_a_sentence(stub: OpenAIStub, openai: OpenAIProvider) -> None:
    for code in (LONG, ["odd"], "moderation_blocked"):
        stub.says = 400, {"error": {"message": LONG, "code": code}}
        with pytest.raises(ProviderError) as error:
            await openai.generate(ImageRequest("x"), IMAGES)
        assert (len(error.value.message), error.value.message[-1]) == (500, "…")
        assert error.value.reason is None or len(error.value.reason) <= 200


async def test_no_picture(stub: OpenAIStub, openai: OpenAIProvider) -> None:
    stub.script.append("none")
    with pytest.raises(ProviderError) as error:
        await openai.generate(ImageRequest("x"), IMAGES)
    assert error.value.code == ErrorCode.NO_IMAGE


async def test_a_refusal_says_why_in_words_for_the_user(stub: OpenAIStub, openai: OpenAIProvider) -> None:
    stub.script.append("refuse")
    with pytest.raises(ProviderError) as error:
        await described(openai)
    assert error.value.message == (
        "OpenAI declined this for the sake of its content rules; change the words or the pictures. "
        "It says: I can't help with that"
    )
    assert not error.value.retryable


@pytest.mark.parametrize(
    ("word", "words"),
    [("moderation", "It says: the server says 400"), ("400", "request: the server says 400")],
)
async def test_what_the_service_says_about_a_request_is_told_to_its_user(
    stub: OpenAIStub, openai: OpenAIProvider, word: str, words: str
) -> None:
    stub.script.append(word)
    with pytest.raises(ProviderError, match=f"{words}$"):
        await described(openai)


async def test_nothing_of_the_account_is_told_to_users(stub: OpenAIStub, url: str) -> None:
    provider = OpenAIProvider(ProviderSettings(openai_api_key="bad", openai_base_url=url))
    with pytest.raises(ProviderError) as error:
        await described(provider)
    await provider.aclose()
    assert error.value.code == ErrorCode.AUTH
    assert "the server says" not in error.value.message
    assert error.value.request_id == "req_1"


@pytest.mark.parametrize(("word", "seconds"), [("429", 7), ("soon", 1.25), ("busy", None), ("later", 0)])
async def test_when_to_come_back_is_passed_on(
    stub: OpenAIStub, openai: OpenAIProvider, word: str, seconds: float | None
) -> None:
    stub.script.append(word)
    with pytest.raises(ProviderError) as error:
        await described(openai)
    assert error.value.retry_after == seconds


async def test_who_gives_up_waiting_closes_the_call(stub: OpenAIStub, openai: OpenAIProvider) -> None:
    stub.script.append("slow")
    asked = asyncio.create_task(described(openai))

    async def arrived() -> bool:
        return len(stub.calls) == 1

    await eventually(arrived)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert (await described(openai)).value.title == "example"


async def test_a_slow_server_times_out(stub: OpenAIStub, url: str) -> None:
    provider = opened(url, providers_image_seconds=0.2)
    stub.script.append("slow")
    with pytest.raises(ProviderError) as error:
        await described(provider)
    await provider.aclose()
    assert error.value.code == ErrorCode.TIMEOUT


async def test_a_server_that_accepts_no_connection_is_unavailable_and_not_slow() -> None:
    with socket.socket() as deaf, ExitStack() as waiting:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for _ in range(2):  # as many as wait to be accepted; whoever comes now hears nothing
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(deaf.getsockname())
        provider = opened(f"http://127.0.0.1:{deaf.getsockname()[1]}/v1", providers_image_seconds=0.3)
        with pytest.raises(ProviderError) as error:
            await described(provider)
        await provider.aclose()
    assert error.value.code == ErrorCode.UNAVAILABLE


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    settings = ProviderSettings(openai_api_key="k", openai_base_url="http://127.0.0.1:9/v1")
    provider = OpenAIProvider(settings)
    with pytest.raises(ProviderError) as error:
        await described(provider)
    await provider.aclose()
    assert error.value.code == ErrorCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("ratio", "resolution", "size"),
    [
        ("1:1", "1K", (1024, 1024)),
        ("16:9", "1K", (1360, 768)),
        ("9:16", "4K", (2160, 3840)),
        ("1:1", "4K", (2160, 2160)),
        ("21:9", "4K", (3840, 1648)),
    ],
)
async def test_sizes_are_ones_that_the_service_makes(
    ratio: Any, resolution: Any, size: tuple[int, int]
) -> None:
    assert size_for(ratio, resolution) == size


async def test_a_strip_becomes_as_steep_as_the_service_makes_it() -> None:
    width, height = size_like(10_000, 100, "1K")
    assert width % 16 == height % 16 == 0
    assert width / height <= 3.05


@pytest.mark.real("OPENAI_API_KEY")
async def test_the_real_service_describes_and_paints(real_key: str) -> None:
    provider = OpenAIProvider(ProviderSettings(openai_api_key=real_key))
    photo = ImageBlob(picture(512, 512), "image/png", 512, 512)
    try:
        spec = await provider.describe([photo], Hints(title="A red square"), VISION)
        made = await provider.generate(ImageRequest("The same on a white table", [photo]), IMAGES)
    finally:
        await provider.aclose()
    assert spec.value.confidence is not None
    assert (made.image.width, made.image.height) == (1024, 1024)

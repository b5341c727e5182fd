"""JSON of the protocol's outline, with something in it that has no place there: hundreds of answers, field by field."""

import json
from base64 import b64encode
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from libs.imaging.decode import inspect
from libs.providers.base import Hints, ImageBlob, ImageRequest, ImageResult
from libs.providers.errors import ErrorCode, ProviderError
from libs.providers.gemini.provider import GeminiProvider
from libs.providers.prices import load_prices
from tests.peers.gemini import GeminiStub
from tests.peers.stub import picture

MODEL = "gemini-3.1-flash-image"
PNG = picture(64, 64)
DRAWN = {"inlineData": {"mimeType": "image/png", "data": b64encode(PNG).decode()}}
COUNTS = {
    "promptTokenCount": 270,
    "candidatesTokenCount": 1120,
    "totalTokenCount": 1390,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 270}],
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}],
}
ANSWER = {
    "candidates": [
        {"content": {"role": "model", "parts": [{"text": "A mug."}, DRAWN]}, "finishReason": "STOP"}
    ],
    "usageMetadata": COUNTS,
    "promptFeedback": {"blockReason": None},
    "modelVersion": MODEL,
    "responseId": "r",
}
RPC = "type.googleapis.com/google.rpc."
DETAILS = [
    {"@type": f"{RPC}ErrorInfo", "reason": "ODD"},
    {"@type": f"{RPC}RetryInfo", "retryDelay": "7s"},
]
REFUSAL = {"error": {"code": 403, "message": "no", "status": "PERMISSION_DENIED", "details": DETAILS}}
ODD: list[Any] = [None, -5, 1.5, float("nan"), 2**70, "270", "x\0\ud800", [], [None], {}, {"x": [1]}]

Path = tuple[str | int, ...]


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(inner, (*path, key))


def odd_ones(sound: Any) -> Iterator[Any]:
    """The JSON with each of the odd values in each place."""
    for path in paths(sound):
        for odd in ODD:
            whole = {"whole": deepcopy(sound)}
            *way, last = ("whole", *path)
            at: Any = whole
            for key in way:
                at = at[key]
            at[last] = odd
            yield whole["whole"]


async def test_an_odd_answer_is_a_bad_one_or_what_is_odd_about_it_is_nothing(
    gemini: GeminiProvider, stub: GeminiStub
) -> None:
    answers = list(odd_ones(ANSWER))
    assert len(answers) > 200
    taken = 0
    for answer in answers:
        stub.says = 200, answer
        match await outcome(gemini):
            case ProviderError() as error:
                assert error.code in (ErrorCode.BAD_RESPONSE, ErrorCode.NO_IMAGE, ErrorCode.REFUSED), answer
            case ImageResult() as made:
                taken += 1
                used = made.call.usage
                assert inspect(made.image.data).width == 64, answer
                assert min(used.input_tokens or 0, used.output_tokens or 0, used.image_output_tokens) >= 0
                json.dumps([made.call.record(), made.text], allow_nan=False, ensure_ascii=False).encode()
    assert taken > 50, "not every oddity costs the picture"


async def outcome(gemini: GeminiProvider) -> ImageResult | ProviderError:
    try:
        return await gemini.generate(ImageRequest("a mug"), MODEL)
    except ProviderError as error:
        return error


async def test_an_odd_refusal_is_one_all_the_same(gemini: GeminiProvider, stub: GeminiStub) -> None:
    for status, code in ((403, ErrorCode.PERMISSION), (500, ErrorCode.UNAVAILABLE)):
        for answer in odd_ones(REFUSAL):
            stub.says = status, answer
            with pytest.raises(ProviderError) as failed:
                await gemini.generate(ImageRequest("a mug"), MODEL)
            assert failed.value.code in (code, ErrorCode.PERMISSION), answer
            assert failed.value.reason is None or failed.value.reason.isprintable(), answer


@pytest.mark.parametrize(
    "deep", ["[" * 50_000 + "]" * 50_000, '{"candidates":' * 50_000 + "1" + "}" * 50_000]
)
async def test_an_answer_without_a_bottom_cannot_be_read(
    gemini: GeminiProvider, stub: GeminiStub, deep: str
) -> None:
    stub.says = 200, deep.encode()
    with pytest.raises(ProviderError) as failed:
        await gemini.describe([ImageBlob(PNG, "image/png", 64, 64)], Hints(), "gemini-3.8-flash")
    assert failed.value.code == ErrorCode.BAD_RESPONSE


@pytest.mark.parametrize(
    ("counts", "dollars"),
    [
        (COUNTS, "0.067335"),
        ({name: value for name, value in COUNTS.items() if "Details" not in name}, "0.067335"),
        ({}, "0.067"),
        ({"promptTokenCount": -270, "candidatesTokenCount": -1}, "0.067"),
    ],
    ids=["with details", "without", "nothing counted", "less than nothing"],
)
async def test_a_picture_costs_what_pictures_cost_however_it_was_counted(
    gemini: GeminiProvider, stub: GeminiStub, counts: dict[str, Any], dollars: str
) -> None:
    stub.says = 200, ANSWER | {"usageMetadata": counts}
    made = await gemini.generate(ImageRequest("a mug"), MODEL)
    assert str(load_prices().cost(MODEL, made.call.usage, "1K")) == dollars


@pytest.mark.parametrize(
    ("status", "name", "reason", "code"),
    [
        (403, "PERMISSION_DENIED", "SERVICE_DISABLED", ErrorCode.PERMISSION),
        (403, "PERMISSION_DENIED", "BILLING_DISABLED", ErrorCode.PERMISSION),
        (403, "PERMISSION_DENIED", "API_KEY_INVALID", ErrorCode.AUTH),
        (403, "PERMISSION_DENIED", "RATE_LIMIT_EXCEEDED", ErrorCode.RATE_LIMITED),
        (403, "PERMISSION_DENIED", "RESOURCE_QUOTA_EXCEEDED", ErrorCode.QUOTA),
        (403, "RESOURCE_EXHAUSTED", None, ErrorCode.RATE_LIMITED),
        (429, "PERMISSION_DENIED", "CONSUMER_SUSPENDED", ErrorCode.PERMISSION),
        (400, "FAILED_PRECONDITION", None, ErrorCode.PERMISSION),
        (401, None, None, ErrorCode.AUTH),
        (403, None, None, ErrorCode.PERMISSION),
        (403, "SOMETHING_NEW", "SOMETHING_ELSE", ErrorCode.PERMISSION),
    ],
)
async def test_what_is_not_allowed_and_what_is_spent_are_told_apart(
    gemini: GeminiProvider,
    stub: GeminiStub,
    status: int,
    name: str | None,
    reason: str | None,
    code: ErrorCode,
) -> None:
    details = [{"@type": f"{RPC}ErrorInfo", "reason": reason}]
    stub.says = status, {"error": {"code": status, "message": "no", "status": name, "details": details}}
    with pytest.raises(ProviderError) as failed:
        await gemini.generate(ImageRequest("a mug"), MODEL)
    assert (failed.value.code, failed.value.reason) == (code, reason or name)

"""Every way in which a call can go wrong, and the code it is told under."""

import pytest

from libs.providers.base import ImageRequest
from libs.providers.errors import ErrorCode, ProviderError
from libs.providers.gemini.provider import GeminiProvider
from libs.providers.settings import ProviderSettings
from tests.peers.gemini import GeminiStub
from tests.peers.stub import BAD_KEY

MODEL = "gemini-3.1-flash-image"


@pytest.mark.parametrize(
    ("word", "code", "status", "retry_after"),
    [
        ("400", ErrorCode.INVALID, 400, None),
        ("401", ErrorCode.AUTH, 401, None),
        ("403", ErrorCode.PERMISSION, 403, None),
        ("billing", ErrorCode.PERMISSION, 400, None),
        ("404", ErrorCode.MODEL_NOT_FOUND, 404, None),
        ("429", ErrorCode.RATE_LIMITED, 429, 7.5),
        ("busy", ErrorCode.RATE_LIMITED, 429, None),
        ("quota", ErrorCode.QUOTA, 429, None),
        ("500", ErrorCode.UNAVAILABLE, 500, None),
        ("html", ErrorCode.UNAVAILABLE, 502, None),
        ("reset", ErrorCode.UNAVAILABLE, None, None),
        ("broken", ErrorCode.BAD_RESPONSE, None, None),
        ("alien", ErrorCode.BAD_RESPONSE, None, None),
        ("denied", ErrorCode.PERMISSION, 403, None),
        ("later", ErrorCode.RATE_LIMITED, 429, 0),
        ("never", ErrorCode.RATE_LIMITED, 429, None),
    ],
)
async def test_a_call_that_fails(
    gemini: GeminiProvider,
    stub: GeminiStub,
    word: str,
    code: ErrorCode,
    status: int | None,
    retry_after: float | None,
) -> None:
    error = await failure(gemini, f"a mug [[{word}]]")
    assert (error.code, error.provider, error.status) == (code, "gemini", status)
    assert error.retry_after == retry_after
    assert "Gemini" in error.message or code in (ErrorCode.QUOTA, ErrorCode.BAD_RESPONSE)
    assert not any(word in error.message for word in ("credentials", "models/", "caller", "Connect"))
    assert len(stub.calls) == 1, "retries are the job's"


async def test_a_wrong_key(settings: ProviderSettings) -> None:
    gemini = GeminiProvider(settings.model_copy(update={"gemini_api_key": BAD_KEY}))
    error = await failure(gemini, "a mug")
    assert (error.code, error.status, error.reason) == (ErrorCode.AUTH, 400, "API_KEY_INVALID")
    await gemini.aclose()


async def test_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ProviderError) as failed:
        GeminiProvider(ProviderSettings(gemini_api_key=None))
    assert failed.value.code == ErrorCode.NOT_CONFIGURED


async def test_an_answer_that_does_not_come_is_not_waited_for(
    stub: GeminiStub, settings: ProviderSettings
) -> None:
    gemini = GeminiProvider(
        settings.model_copy(update={"providers_image_seconds": 0.5, "providers_vision_seconds": 0.5})
    )
    assert (await failure(gemini, "a mug [[slow]]")).code == ErrorCode.TIMEOUT
    assert len(stub.calls) <= 1, "retries are the job's"
    await gemini.aclose()


async def test_nobody_answers() -> None:
    nobody = ProviderSettings(gemini_api_key="k", gemini_base_url="http://127.0.0.1:9")
    gemini = GeminiProvider(nobody)
    assert (await failure(gemini, "a mug")).code == ErrorCode.UNAVAILABLE
    await gemini.aclose()


async def test_of_a_failure_no_more_is_told_than_a_sentence(gemini: GeminiProvider, stub: GeminiStub) -> None:
    long = "é\0" * 100_000
    stub.says = 400, {"error": {"message": long, "status": long}}
    error = await failure(gemini, "a mug")
    assert (error.code, len(error.message), error.message[-1]) == (ErrorCode.INVALID, 500, "…")
    assert len(error.reason or "") == 200


async def failure(gemini: GeminiProvider, prompt: str) -> ProviderError:
    with pytest.raises(ProviderError) as failed:
        await gemini.generate(ImageRequest(prompt), MODEL)
    return failed.value

"""Every way in which a call can go wrong, and the code it is told under."""

import pytest

from libs.providers.base import ImageRequest
from libs.providers.errors import ErrorCode, ProviderError
from libs.providers.gemini.provider import GeminiProvider
from libs.providers.settings import ProviderSettings
from tests.peers import gemini as peer_of
from tests.peers.server import Answer, Peer, broken_json, cut_off, never

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODEL = "gemini-3.1-flash-image"


@pytest.mark.parametrize(
    ("answer", "code", "status", "retry_after"),
    [
        (peer_of.problem(400, "INVALID_ARGUMENT"), ErrorCode.INVALID, 400, None),
        (
            peer_of.problem(400, "INVALID_ARGUMENT", peer_of.error_info("API_KEY_INVALID")),
            ErrorCode.AUTH,
            400,
            None,
        ),
        (peer_of.problem(401, "UNAUTHENTICATED"), ErrorCode.AUTH, 401, None),
        (peer_of.problem(403, "PERMISSION_DENIED"), ErrorCode.PERMISSION, 403, None),
        (peer_of.problem(404, "NOT_FOUND"), ErrorCode.MODEL_NOT_FOUND, 404, None),
        (peer_of.problem(429, "RESOURCE_EXHAUSTED"), ErrorCode.RATE_LIMITED, 429, None),
        (
            peer_of.problem(429, "RESOURCE_EXHAUSTED", peer_of.retry_info("7.5s")),
            ErrorCode.RATE_LIMITED,
            429,
            7.5,
        ),
        (
            peer_of.problem(
                429, "RESOURCE_EXHAUSTED", peer_of.quota_failure("GenerateRequestsPerDayPerModel")
            ),
            ErrorCode.QUOTA,
            429,
            None,
        ),
        (peer_of.problem(499, "CANCELLED"), ErrorCode.TIMEOUT, 499, None),
        (peer_of.problem(500, "INTERNAL"), ErrorCode.UNAVAILABLE, 500, None),
        (peer_of.problem(504, "DEADLINE_EXCEEDED"), ErrorCode.TIMEOUT, 504, None),
        (peer_of.gateway_error, ErrorCode.UNAVAILABLE, 502, None),
        (cut_off, ErrorCode.UNAVAILABLE, None, None),
        (broken_json, ErrorCode.BAD_RESPONSE, None, None),
    ],
)
async def test_a_call_that_fails(
    gemini: GeminiProvider,
    peer: Peer,
    answer: Answer,
    code: ErrorCode,
    status: int | None,
    retry_after: float | None,
) -> None:
    peer.then(answer)
    error = await failure(gemini)
    assert (error.code, error.provider, error.status) == (code, "gemini", status)
    assert error.retry_after == retry_after
    assert len(peer.calls) == 1, "retries are the job's"


async def test_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    with pytest.raises(ProviderError) as failed:
        GeminiProvider(ProviderSettings(gemini_api_key=None))
    assert failed.value.code == ErrorCode.NOT_CONFIGURED


async def test_an_answer_that_does_not_come_is_not_waited_for(peer: Peer, settings: ProviderSettings) -> None:
    peer.then(never)
    gemini = GeminiProvider(settings.model_copy(update={"providers_image_seconds": 0.05}))
    assert (await failure(gemini)).code == ErrorCode.TIMEOUT
    await gemini.aclose()


async def test_nobody_answers() -> None:
    nobody = ProviderSettings(gemini_api_key="k", gemini_base_url="http://127.0.0.1:9")
    gemini = GeminiProvider(nobody)
    assert (await failure(gemini)).code == ErrorCode.UNAVAILABLE
    await gemini.aclose()


async def failure(gemini: GeminiProvider) -> ProviderError:
    with pytest.raises(ProviderError) as failed:
        await gemini.generate(ImageRequest("a mug"), MODEL)
    return failed.value

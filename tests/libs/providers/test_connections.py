"""What happens on the wire, below the protocols: both SDKs against a server of bare bytes."""

import asyncio
import gzip
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from libs.providers import connections
from libs.providers.base import Analysis, ImageBlob
from libs.providers.errors import ErrorCode, ProviderError
from libs.providers.gemini.provider import GeminiProvider
from libs.providers.openai.provider import OpenAIProvider
from libs.providers.settings import ProviderSettings
from tests.libs.common.waiting import eventually
from tests.peers.wire import Then, Wire, http, self_signed, served

Provider = OpenAIProvider | GeminiProvider
PATIENT = 60.0


@pytest.fixture(params=[OpenAIProvider, GeminiProvider])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[Provider]:
    """Of a machine without proxies."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    opened: type[Provider] = request.param
    return opened


@asynccontextmanager
async def opened(kind: type[Provider], url: str, seconds: float = PATIENT) -> AsyncIterator[Provider]:
    provider = kind(
        ProviderSettings(
            openai_api_key="k",
            gemini_api_key="k",
            openai_base_url=url,
            gemini_base_url=url,
            providers_image_seconds=seconds,
            providers_vision_seconds=seconds,
        )
    )
    try:
        yield provider
    finally:
        await provider.aclose()


async def asked(provider: Provider, photo: bytes = b"photo") -> Analysis[dict[str, float]]:
    return await provider.classify(ImageBlob(photo, "image/png", 64, 64, bare=True), ["mug"], "model")


async def failure(provider: Provider) -> ErrorCode:
    with pytest.raises(ProviderError) as failed:
        await asked(provider)
    return failed.value.code


async def test_no_connection_is_used_twice(kind: type[Provider]) -> None:
    """The server would go on with any."""
    async with served(Wire(http(503))) as wire, opened(kind, wire.url) as provider:
        for _ in range(3):
            assert await failure(provider) == ErrorCode.UNAVAILABLE
    assert (wire.connections, len(wire.asked)) == (3, 3)
    assert all(b"connection: close" in head.lower() for head in wire.asked)


async def test_a_hundred_calls_and_more_are_under_way_at_once(kind: type[Provider]) -> None:
    async with served(Wire()) as wire, opened(kind, wire.url) as provider:
        calls = [asyncio.create_task(asked(provider)) for _ in range(120)]

        async def all_arrived() -> bool:
            return len(wire.asked) == len(calls)

        await eventually(all_arrived)
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
        assert all(call.cancelled() for call in calls)

        async def all_left() -> bool:
            return wire.left == len(calls)

        await eventually(all_left)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


BROKEN_OFF: dict[str, tuple[bytes, Then]] = {
    "reset": (b"", "resets"),
    "nothing": (b"", "hangs up"),
    "in the head": (b"HTTP/1.1 200 OK\r\nContent-Ty", "hangs up"),
    "in the body": (http(200)[:-1], "hangs up"),
    "in a chunk": (CHUNKED + b"5\r\n{", "hangs up"),
    "no chunk": (CHUNKED + b"no number\r\n", "waits"),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.9\r\n\r\n", "waits"),
    "an endless head": (http(200, b"{}", "X: " + "y" * 100_000), "waits"),
}


async def test_what_breaks_off_is_unavailable_and_asked_once(kind: type[Provider]) -> None:
    async with served(Wire()) as wire, opened(kind, wire.url) as provider:
        for number, (where, (wire.says, wire.then)) in enumerate(BROKEN_OFF.items(), 1):
            assert await failure(provider) == ErrorCode.UNAVAILABLE, where
            assert (wire.connections, len(wire.asked)) == (number, number), where


async def test_what_is_no_text_is_a_bad_response(kind: type[Provider]) -> None:
    async with served(Wire(http(200, b"\xff"))) as wire, opened(kind, wire.url) as provider:
        assert await failure(provider) == ErrorCode.BAD_RESPONSE


async def test_what_stalls_times_out(kind: type[Provider]) -> None:
    async with served(Wire()) as wire, opened(kind, wire.url, seconds=0.3) as provider:
        for wire.says in (b"", http(200)[:-1]):
            assert await failure(provider) == ErrorCode.TIMEOUT
        assert wire.connections <= 2


async def test_a_refused_connection_is_unavailable(kind: type[Provider]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    async with opened(kind, nobody) as provider:
        assert await failure(provider) == ErrorCode.UNAVAILABLE


def answer(kind: type[Provider], padding: int) -> bytes:
    said = json.dumps({"labels": [{"label": "mug", "confidence": 0.9}]}) + " " * padding
    if kind is GeminiProvider:
        return json.dumps({"candidates": [{"content": {"parts": [{"text": said}]}}]}).encode()
    message = {"type": "message", "content": [{"type": "output_text", "text": said}]}
    return json.dumps({"status": "completed", "model": "model", "output": [message]}).encode()


async def test_large_photos_and_large_answers_pass(kind: type[Provider]) -> None:
    body, photo = answer(kind, 30_000_000), os.urandom(3_000_000)
    plain = http(200, body, "X: " + "y" * 8_000)
    async with served(Wire()) as wire, opened(kind, wire.url) as provider:
        for wire.says in (plain, http(200, gzip.compress(body, 1), "Content-Encoding: gzip")):
            assert (await asked(provider, photo)).value == {"mug": 0.9}


@pytest.mark.parametrize("status", [200, 400])
async def test_an_answer_without_an_end_is_not_kept(
    kind: type[Provider], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However little of it comes over the wire."""
    monkeypatch.setattr(connections, "MOST_BYTES", 10_000_000)
    packed = http(status, gzip.compress(answer(kind, 30_000_000)), "Content-Encoding: gzip")
    plain, endless = http(status, answer(kind, 10_000_000)), CHUNKED + b"1c9c380\r\n" + b" " * 30_000_000
    async with served(Wire()) as wire, opened(kind, wire.url) as provider:
        for wire.says in (plain, packed, endless):
            assert await failure(provider) == ErrorCode.BAD_RESPONSE
        if status == 200:
            wire.says = http(200, answer(kind, 9_000_000))
            assert (await asked(provider)).value == {"mug": 0.9}


@pytest.mark.filterwarnings("ignore:BasicAuth is dep:DeprecationWarning")  # the OpenAI SDK's business
@pytest.mark.filterwarnings("ignore:.*proxy_auth. parameter is dep:DeprecationWarning")
async def test_the_proxy_of_the_environment_is_used(
    kind: type[Provider], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(Wire(http(503))) as direct, served(Wire(http(429))) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//me:secret@"))
        async with opened(kind, direct.url) as provider:
            assert await failure(provider) == ErrorCode.RATE_LIMITED
        assert proxy.asked[0].startswith(b"POST " + direct.url.encode())
        assert b"proxy-authorization: basic bwu6c2vjcmv0" in proxy.asked[0].lower()
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        async with opened(kind, direct.url) as provider:
            assert await failure(provider) == ErrorCode.UNAVAILABLE
    assert (len(proxy.asked), len(direct.asked)) == (1, 1)


async def test_a_tunnel_through_the_proxy_of_the_environment(
    kind: type[Provider], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(Wire(http(403), "hangs up")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        async with opened(kind, "https://api.invalid") as provider:
            assert await failure(provider) == ErrorCode.UNAVAILABLE
    assert [head.split(b"\r\n")[0] for head in proxy.asked] == [b"CONNECT api.invalid:443 HTTP/1.1"]


async def test_the_authorities_of_the_environment_are_trusted(
    kind: type[Provider], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificate, tls = self_signed(tmp_path)
    async with served(Wire(http(429)), tls) as wire:
        async with opened(kind, wire.url) as provider:
            assert await failure(provider) == ErrorCode.UNAVAILABLE
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        async with opened(kind, wire.url) as provider:
            assert await failure(provider) == ErrorCode.RATE_LIMITED
    assert len(wire.asked) == 1

"""The real SDK against the stub, over real HTTP."""

from collections.abc import AsyncIterator, Iterator

import pytest

from libs.providers.gemini.provider import GeminiProvider
from libs.providers.settings import ProviderSettings
from tests.peers.gemini import GeminiStub
from tests.peers.stub import serving


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[GeminiStub, str]]:
    stub = GeminiStub()
    with serving(stub) as url:
        yield stub, url


@pytest.fixture
def stub(served: tuple[GeminiStub, str]) -> GeminiStub:
    """Without any calls yet."""
    stub, _ = served
    stub.calls.clear()
    stub.words.clear()
    stub.script.clear()
    stub.says = None
    return stub


@pytest.fixture
def settings(stub: GeminiStub, served: tuple[GeminiStub, str]) -> ProviderSettings:
    return ProviderSettings(gemini_api_key="k", gemini_base_url=served[1])


@pytest.fixture
async def gemini(settings: ProviderSettings) -> AsyncIterator[GeminiProvider]:
    provider = GeminiProvider(settings)
    yield provider
    await provider.aclose()

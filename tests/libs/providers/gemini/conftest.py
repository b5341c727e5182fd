"""The real SDK against a server that speaks the protocol, over real HTTP."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from libs.providers.gemini.provider import GeminiProvider
from libs.providers.settings import ProviderSettings
from tests.peers.gemini import gemini_server
from tests.peers.server import Peer


@pytest.fixture(scope="module")
def server() -> Iterator[Peer]:
    with gemini_server() as server:
        yield server


@pytest.fixture
def peer(server: Peer) -> Peer:
    """Without any calls yet."""
    server.calls.clear()
    server.script.clear()
    return server


@pytest.fixture(scope="module")
def settings(server: Peer) -> ProviderSettings:
    return ProviderSettings(gemini_api_key="k", gemini_base_url=server.url)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gemini(settings: ProviderSettings) -> AsyncIterator[GeminiProvider]:
    provider = GeminiProvider(settings)
    yield provider
    await provider.aclose()

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from tests.collector import Collector, collecting
from tests.peers.gemini import GeminiStub
from tests.peers.openai import OpenAIStub
from tests.peers.stub import serving
from tests.system.client import Client

ENV = {
    "RATE_LIMITS_ENABLED": "false",
    "QUEUE_MAX": "200",
    "JOB_SLOTS": "2",
    "PROVIDERS_VISION_DESCRIBE": "local",
    "PROVIDERS_IMAGE_GENERATE": "local",
}
"""The stubs of the real providers are there too, for who asks for them by name."""


@dataclass(frozen=True)
class Peers:
    openai: OpenAIStub
    gemini: GeminiStub
    env: Mapping[str, str]
    """Where a process finds them, and with which keys."""


@pytest.fixture(scope="session")
def peers() -> Iterator[Peers]:
    openai, gemini = OpenAIStub(), GeminiStub()
    with serving(openai) as openai_url, serving(gemini) as gemini_url:
        env = {
            "OPENAI_API_KEY": "openai-key",
            "OPENAI_BASE_URL": f"{openai_url}/v1",
            "GEMINI_API_KEY": "gemini-key",
            "GEMINI_BASE_URL": gemini_url,
        }
        yield Peers(openai, gemini, env)


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Gets the spans of requests that ask for it: whose `traceparent` ends in 01."""
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="session")
def system(collector: Collector, peers: Peers) -> Iterator[Stack]:
    """Everything that `make up` starts, on free ports, in a temporary directory."""
    directory = Path(tempfile.mkdtemp(prefix="vitrine-system-"))
    tracing = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_TRACES_SAMPLER": "parentbased_always_off",
        "OTEL_BSP_SCHEDULE_DELAY": "500",
    }
    try:
        with Stack(directory, env={**ENV, **tracing, **peers.env}) as stack:
            stack.start()
            yield stack
    finally:
        shutil.rmtree(directory)


@pytest.fixture
async def client(system: Stack) -> AsyncIterator[Client]:
    system.wait_ready()
    async with Client(system.url) as client:
        yield await client.sign_in()

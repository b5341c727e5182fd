import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from tests.collector import Collector, collecting
from tests.peers.both import Peers, both_served
from tests.system.client import Client

ENV = {
    "RATE_LIMITS_ENABLED": "false",
    "QUEUE_MAX": "200",
    "JOB_SLOTS": "2",
    "PROVIDERS_VISION_DESCRIBE": "local",
    "PROVIDERS_IMAGE_GENERATE": "local",
}
"""The stubs of the real providers are there too, for who asks for them by name."""


@pytest.fixture(scope="session")
def peers() -> Iterator[Peers]:
    with both_served() as peers:
        yield peers


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

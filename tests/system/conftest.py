import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from tests.system.client import Client

ENV = {"RATE_LIMITS_ENABLED": "false", "QUEUE_MAX": "200", "JOB_SLOTS": "2"}


@pytest.fixture(scope="session")
def system() -> Iterator[Stack]:
    """Everything that `make up` starts, on free ports, in a temporary directory."""
    directory = Path(tempfile.mkdtemp(prefix="vitrine-system-"))
    try:
        with Stack(directory, env=ENV) as stack:
            stack.start()
            yield stack
    finally:
        shutil.rmtree(directory)


@pytest.fixture
async def client(system: Stack) -> AsyncIterator[Client]:
    system.wait_ready()
    async with Client(system.url) as client:
        yield await client.sign_in()

"""What a process does that is asked to end while requests are open."""

import asyncio
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from libs.common.http import create_app
from tests.libs.common.http.counter_api import COUNTERS, routes


@pytest.fixture
def asked() -> Iterator[list[int]]:
    """The signals that uvicorn would have been sent."""
    numbers: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: numbers.append(number))
    yield numbers
    signal.signal(signal.SIGTERM, before)


async def test_who_keeps_requests_open_hears_of_the_end_when_the_server_does(
    variables: dict[str, Any], asked: list[int]
) -> None:
    app = create_app(COUNTERS, [routes], **variables)
    async with app.router.lifespan_context(app):
        assert not app.state.service.stopping.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(10):
            await app.state.service.stopping.wait()
        assert asked == [signal.SIGTERM]
    os.kill(os.getpid(), signal.SIGTERM)
    assert asked == [signal.SIGTERM] * 2

import time
from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY

from libs.common.database import Database
from libs.common.saturation import measuring
from tests.libs.common.counters import SCHEMA
from tests.libs.common.waiting import eventually


@pytest.fixture
async def database(scratch_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """Of two connections, looked at often."""
    monkeypatch.setattr("libs.common.saturation.EVERY_SECONDS", 0.01)
    db = await Database.connect(scratch_url, SCHEMA, size=2)
    async with measuring(db):
        yield db
    await db.close()


async def test_connections_in_use_are_counted(database: Database) -> None:
    async def busy(number: int) -> bool:
        return REGISTRY.get_sample_value("vitrine_database_connections_busy") == number

    assert REGISTRY.get_sample_value("vitrine_database_connections_max") == 2
    async with database.pool.acquire():
        await eventually(lambda: busy(1))
    await eventually(lambda: busy(0))


async def test_a_blocked_event_loop_shows(database: Database) -> None:
    def late() -> float:
        name = "vitrine_event_loop_lag_seconds"
        in_time = REGISTRY.get_sample_value(f"{name}_bucket", {"le": "0.05"}) or 0.0
        return (REGISTRY.get_sample_value(f"{name}_count") or 0.0) - in_time

    async def later(before: float) -> bool:
        return late() > before

    before = late()

    async def block() -> bool:
        time.sleep(0.2)  # noqa: ASYNC251 -- what must not happen
        return await later(before)

    await eventually(block)

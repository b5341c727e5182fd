from collections.abc import AsyncIterator

import pytest

from deploy.local.postgres import Postgres
from libs.common.database import Database
from tests.libs.common.counters import SCHEMA, Counters, create_schema


@pytest.fixture
async def scratch_url(postgres: Postgres) -> str:
    """The runtime role's URL of a fresh schema `scratch`, in which counters live."""
    await create_schema(postgres.superuser_url)
    return postgres.url(SCHEMA, "scratch")


@pytest.fixture
async def scratch(scratch_url: str) -> AsyncIterator[Counters]:
    db = await Database.connect(scratch_url, SCHEMA, size=10)
    yield Counters(db)
    await db.close()

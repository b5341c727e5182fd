"""The first admin waits for what a new installation still lacks."""

import asyncpg
import pytest

from libs.common.service import Service
from services.auth.accounts import seed
from services.auth.settings import AuthSettings


async def test_the_admin_is_seeded_as_soon_as_there_is_a_role_and_a_schema(
    monkeypatch: pytest.MonkeyPatch, service: Service[AuthSettings]
) -> None:
    lacking = [asyncpg.UndefinedTableError("no accounts"), asyncpg.InvalidPasswordError("no such role")]

    async def seed_admin(_: Service[AuthSettings]) -> None:
        if lacking:
            raise lacking.pop()

    monkeypatch.setattr(seed, "seed_admin", seed_admin)
    await seed.seed_admin_when_possible(service)
    assert not lacking

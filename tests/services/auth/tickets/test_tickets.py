"""Tickets: asked for over HTTP, redeemed over NATS by another service, with that service's own account."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient

from libs.common.bus import Bus
from libs.common.errors import Unauthorized
from libs.common.identity import Authenticator
from libs.common.service import Service
from libs.common.settings import Settings
from libs.common.sql import Bound
from services.auth.settings import AuthSettings
from tests.services.auth.conftest import Person, bearer


@pytest.fixture
async def analysis(
    client: AsyncClient, service_env: Callable[[str], dict[str, str]]
) -> AsyncIterator[Authenticator]:
    """Another service's view of its callers."""
    values: dict[str, Any] = {name.lower(): value for name, value in service_env("analysis").items()}
    settings = Settings(**{name: value for name, value in values.items() if name in Settings.model_fields})
    bus = await Bus.connect(settings.nats_url, "analysis")
    yield Authenticator(settings, bus)
    await bus.close()


async def issue(person: Person) -> str:
    headers = bearer((await person.log_in())["access_token"])
    answer = await person.client.post("/auth/tickets", headers=headers)
    assert answer.status_code == 201
    assert answer.json()["expires_in"] == 60
    ticket: str = answer.json()["ticket"]
    return ticket


async def test_a_ticket_stands_for_its_owner_once(analysis: Authenticator, ada: Person) -> None:
    ticket = await issue(ada)
    user = await analysis.by_ticket(ticket)
    assert (str(user.id), user.role) == (ada.id, "user")
    with pytest.raises(Unauthorized, match="used before") as refusal:
        await analysis.by_ticket(ticket)
    assert refusal.value.code == "invalid_ticket"


async def test_a_ticket_is_good_for_a_minute(
    analysis: Authenticator, service: Service[AuthSettings], ada: Person
) -> None:
    fresh, old = await issue(ada), await issue(ada)
    passed = "UPDATE tickets SET expires_at = expires_at - $2::interval WHERE account_id = $1"
    await service.db.execute(Bound(passed, (UUID(ada.id), timedelta(seconds=50))))
    await analysis.by_ticket(fresh)
    await service.db.execute(Bound(passed, (UUID(ada.id), timedelta(seconds=10))))
    with pytest.raises(Unauthorized):
        await analysis.by_ticket(old)


async def test_a_deactivated_account_has_no_good_ticket(
    analysis: Authenticator, ada: Person, admin: dict[str, str]
) -> None:
    ticket = await issue(ada)
    await ada.client.patch(f"/admin/users/{ada.id}", json={"is_active": False}, headers=admin)
    with pytest.raises(Unauthorized):
        await analysis.by_ticket(ticket)


@pytest.mark.parametrize("ticket", ["", "x", "ü" * 1000])
async def test_what_is_no_ticket(analysis: Authenticator, ticket: str) -> None:
    with pytest.raises(Unauthorized):
        await analysis.by_ticket(ticket)

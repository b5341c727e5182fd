"""Auth's API process: `uvicorn services.auth.api:app`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from libs.common import accounts
from libs.common.http import create_app
from libs.common.service import Service
from libs.common.tokens import Verifier
from services.auth.accounts import admin_routes
from services.auth.accounts import routes as account_routes
from services.auth.accounts.seed import seed_admin_when_possible
from services.auth.invitations import routes as invitation_routes
from services.auth.sessions import routes as session_routes
from services.auth.store import definition
from services.auth.tickets import routes as ticket_routes
from services.auth.tickets import tickets

SEEDING_SECONDS = 5.0


@asynccontextmanager
async def running(service: Service[Any]) -> AsyncIterator[None]:
    """Answers for tickets; has the admin at once if the database is there, else as soon as it is."""

    async def redeem_ticket(question: dict[str, Any]) -> dict[str, Any]:
        return await tickets.redeem(service.db, question["ticket"])

    async def issue_ticket(question: dict[str, Any]) -> dict[str, Any]:
        """For a service that hands out an address of a stream, to whoever has shown it this token."""
        return {"ticket": await tickets.issue(service.db, await verifier.verify(question["token"]))}

    verifier = Verifier(service.settings)
    await service.bus.answer("auth", "redeem_ticket", redeem_ticket)
    await service.bus.answer("auth", "issue_ticket", issue_ticket)
    async with asyncio.TaskGroup() as group:
        seeding = group.create_task(seed_admin_when_possible(service))
        await asyncio.wait([seeding], timeout=SEEDING_SECONDS)
        yield
        seeding.cancel()


app = create_app(
    definition,
    [
        invitation_routes.routes,
        account_routes.routes,
        admin_routes.routes,
        session_routes.routes,
        session_routes.keys,
        ticket_routes.routes,
    ],
    running=running,
    refused_accounts=accounts.deactivated,
)

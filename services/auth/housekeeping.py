"""Forgets what has run out: sessions, tickets, invitations."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.common.database import Reader
from libs.common.resilience import persist
from libs.common.service import Service
from services.auth.invitations import invitations
from services.auth.sessions import refresh_tokens
from services.auth.settings import AuthSettings
from services.auth.tickets import tickets

_PAUSE_SECONDS = 3600


async def forget_expired(reader: Reader) -> None:
    for statement in (refresh_tokens.forget_expired, tickets.forget_expired, invitations.forget_expired):
        await reader.execute(statement())


@asynccontextmanager
async def housekeeping(service: Service[AuthSettings]) -> AsyncIterator[None]:
    """Every hour, while open."""

    async def forget_hourly() -> None:
        while True:
            await forget_expired(service.db)
            await asyncio.sleep(_PAUSE_SECONDS)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(persist("the forgetting of old sessions", forget_hourly))
        yield
        task.cancel()

"""The first admin, who is there from the first start on."""

import asyncio
import logging

import asyncpg

from libs.common.errors import Conflict
from libs.common.resilience import AWAY
from libs.common.service import Service
from services.auth.accounts import handles
from services.auth.accounts.registration import NewAccount, register
from services.auth.settings import DEMO_PASSWORD, AuthSettings

log = logging.getLogger(__name__)


async def seed_admin(service: Service[AuthSettings]) -> None:
    """Registers the admin the settings name, unless somebody has the name already."""
    settings = service.settings
    if await handles.account_of(service.db, settings.admin_username):
        return
    admin = NewAccount(
        email=settings.admin_email, username=settings.admin_username, password=settings.admin_password
    )
    known = settings.admin_password == DEMO_PASSWORD
    try:
        async with service.transaction() as tx:
            await register(tx, admin, role="admin", must_change_password=known)
    except Conflict as conflict:
        log.warning("no admin is seeded: %s", conflict.detail)


async def seed_admin_when_possible(service: Service[AuthSettings]) -> None:
    """Waits for the database, its roles and its schema; a failure here would end what the API relies on."""
    while True:
        try:
            return await seed_admin(service)
        except (*AWAY, asyncpg.PostgresError) as error:
            log.warning("the admin cannot be seeded yet: %r", error)
            await asyncio.sleep(1)

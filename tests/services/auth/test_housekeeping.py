from datetime import timedelta
from uuid import UUID

from libs.common.service import Service
from libs.common.sql import Bound
from services.auth.housekeeping import forget_expired
from services.auth.settings import AuthSettings
from tests.services.auth.conftest import Person, bearer


async def test_what_has_run_out_is_forgotten(service: Service[AuthSettings], ada: Person) -> None:
    counts = "SELECT (SELECT count(*) FROM {0} WHERE account_id = $1)".format
    account = (UUID(ada.id),)
    tokens = await ada.log_in()
    await ada.client.post("/auth/tickets", headers=bearer(tokens["access_token"]))
    await forget_expired(service.db)
    for table in ("sessions", "tickets"):
        assert await service.db.fetchval(Bound(counts(table), account)) == 1
        passed = f"UPDATE {table} SET expires_at = expires_at - $2::interval WHERE account_id = $1"
        await service.db.execute(Bound(passed, (*account, timedelta(days=1))))
    await forget_expired(service.db)
    for table in ("sessions", "tickets"):
        assert await service.db.fetchval(Bound(counts(table), account)) == 0

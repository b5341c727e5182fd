"""What admins see and change of other people's accounts."""

from typing import Annotated

from fastapi import Depends, Query

from libs.common.http import Db, IfMatch, Json, Page, Paging, ServiceDep, Tx, paging, router
from libs.common.identity import ACCESS_CHANGED, AdminUser
from services.auth.accounts import directory
from services.auth.accounts.administration import AccountChange, change_account, find_account
from services.auth.accounts.directory import AccountView, present

routes = router("accounts")


@routes.get("/admin/users", response_model=Page[AccountView])
async def list_accounts(
    _: AdminUser,
    db: Db,
    page: Annotated[Paging, Depends(paging(["created_at"]))],
    search: Annotated[str, Query(max_length=200)] = "",
) -> Json:
    """`search` is part of a name, an e-mail address or a userid."""
    return await directory.page(db, page, search)


@routes.get("/admin/users/{user_ref}", response_model=AccountView)
async def get_account(user_ref: str, _: AdminUser, db: Db) -> Json:
    """`user_ref` is an id, a userid, an e-mail address or a username."""
    row = await directory.find(db, await find_account(db, user_ref))
    return Json(present(row), version=row["version"])


@routes.patch("/admin/users/{user_ref}", response_model=AccountView)
async def patch_account(
    user_ref: str, change: AccountChange, admin: AdminUser, service: ServiceDep, tx: Tx, expected: IfMatch
) -> Json:
    account_id = await find_account(tx, user_ref)
    await change_account(tx, account_id, change, by=admin.id, expected=expected)
    row = await directory.find(tx, account_id)
    await tx.commit()
    service.bus.notify(ACCESS_CHANGED, {"account_id": str(account_id), "active": row["active"]})
    return Json(present(row), version=row["version"])

"""Registering, and what an account's owner does with it."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from libs.common.errors import Forbidden, Unauthorized
from libs.common.http import Db, Json, ServiceDep, Tx, policy, router
from libs.common.identity import CurrentUser, OptionalUser
from services.auth import passwords
from services.auth.accounts import credentials, directory
from services.auth.accounts.directory import AccountView, present
from services.auth.accounts.domain import ChangePassword, accounts
from services.auth.accounts.registration import NewAccount, register
from services.auth.invitations import invitations
from services.auth.passwords import Password
from services.auth.sessions import refresh_tokens

routes = router("accounts")


class Registration(NewAccount):
    invite_code: str | None = Field(None, max_length=100, description="With REGISTRATION_MODE=invite.")


class PasswordChange(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    current_password: str = Field(max_length=256, repr=False)
    new_password: Password = Field(repr=False)
    confirm_password: str | None = Field(None, repr=False, description="If given, the new password again.")

    @model_validator(mode="after")
    def _is_confirmed(self) -> Self:
        if self.confirm_password not in (None, self.new_password):
            raise ValueError("confirm_password is not the new password")
        return self


@routes.post("/auth/register", status_code=201, response_model=AccountView)
@policy(limit="auth", repeatable=False)
async def register_account(
    body: Registration, service: ServiceDep, user: OptionalUser, db: Db, tx: Tx
) -> Json:
    """`409 email_taken` or `username_taken`; `403` where registering takes an admin or an invitation."""
    mode = "open" if user and user.is_admin else service.settings.registration_mode
    if mode == "admin":
        raise Forbidden("only admins register accounts here", code="admin_only")
    if mode == "invite":
        await invitations.check(db, body.invite_code, body.email)  # first: strangers learn no names
    account_id = await register(tx, body)
    if mode == "invite" and body.invite_code:
        await invitations.redeem(tx, body.invite_code, body.email)
    row = await directory.find(tx, account_id)
    return Json(present(row), 201, {"location": "/api/v1/auth/me"}, version=row["version"])


@routes.get("/auth/me", response_model=AccountView)
async def get_own_account(user: CurrentUser, db: Db) -> Json:
    row = await directory.find(db, user.id)
    return Json(present(row), version=row["version"])


@routes.post("/users/profile/change-password", status_code=204)
@policy(limit="auth", repeatable=False)
async def change_password(body: PasswordChange, user: CurrentUser, db: Db, tx: Tx) -> None:
    """Ends every other session of the account."""
    row = await db.fetchrow(credentials.by_account(id=user.id))
    if row is None or not await passwords.verify(body.current_password, row["password_hash"]):
        raise Unauthorized("current_password is not your password", code="wrong_password")
    if body.new_password == body.current_password:
        raise passwords.refused("new_password", "must be another one", "password_unchanged")
    passwords.check_allowed("new_password", body.new_password, row["email"], row["username"])
    password_hash = await passwords.hash_password(body.new_password)
    await tx.handle(accounts, user.id, ChangePassword())
    await tx.execute(credentials.store(account_id=user.id, password_hash=password_hash))
    await tx.execute(refresh_tokens.end_others(account_id=user.id, but=user.session_id))

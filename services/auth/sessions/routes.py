"""Logging in and out, and staying logged in."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator

from libs.common.database import Reader
from libs.common.errors import Unauthorized
from libs.common.http import Db, Json, ServiceDep, Tx, policy, router
from libs.common.http.routes import Route
from libs.common.identity import CurrentUser
from libs.common.tokens import public_jwks, sign_access_token
from libs.common.values import Text
from services.auth import passwords
from services.auth.accounts import credentials, handles
from services.auth.accounts.directory import AccountView, present
from services.auth.sessions import refresh_tokens
from services.auth.sessions.refresh_tokens import Session
from services.auth.settings import AuthSettings

routes = router("sessions")
keys = APIRouter(route_class=Route, tags=["sessions"])


class Login(BaseModel):
    """An e-mail address or a username, in either field."""

    model_config = ConfigDict(frozen=True)
    email: Annotated[Text, Field(max_length=254)] | None = None
    username: Annotated[Text, Field(max_length=254)] | None = None
    password: str = Field(max_length=256, repr=False)

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not self.name:
            raise ValueError("email or username is required")
        return self

    @property
    def name(self) -> str:
        return self.email or self.username or ""


class Refresh(BaseModel):
    model_config = ConfigDict(frozen=True)
    refresh_token: str = Field(max_length=256, repr=False)


class Tokens(BaseModel):
    """`token` is the access token under an older name; `expires_in` is in seconds."""

    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105
    expires_in: int
    token: str
    user: AccountView


@routes.post("/auth/login", response_model=Tokens)
@routes.post("/login", response_model=Tokens, include_in_schema=False)
@policy(limit="auth", repeatable=False)
async def log_in(body: Login, service: ServiceDep, db: Db, tx: Tx) -> Json:
    """`401 invalid_credentials` whether it is the name or the password that is wrong."""
    return await _begin_session(service.settings, tx, await _authenticated(db, body))


@routes.post("/admin/login", response_model=Tokens)
@policy(limit="auth", repeatable=False)
async def log_in_as_admin(body: Login, service: ServiceDep, db: Db, tx: Tx) -> Json:
    account = await _authenticated(db, body)
    if account["role"] != "admin":
        raise _wrong_credentials()
    return await _begin_session(service.settings, tx, account)


@routes.post("/auth/refresh", response_model=Tokens)
@policy(limit="auth", repeatable=False)
async def refresh(body: Refresh, service: ServiceDep, tx: Tx) -> Json:
    """The next pair of tokens. A refresh token is good once: using it again ends the session."""
    settings: AuthSettings = service.settings
    session = await refresh_tokens.rotate(tx, body.refresh_token, _lifetime(settings))
    if session is None:
        await tx.commit()
        raise Unauthorized("the refresh token has expired or was used before", code="invalid_refresh_token")
    return _tokens(settings, session)


@routes.post("/auth/logout", status_code=204)
@policy(limit="auth", repeatable=False)
async def log_out(user: CurrentUser, tx: Tx) -> None:
    """Ends the session the access token belongs to; the token itself runs out by itself."""
    await tx.execute(refresh_tokens.end(id=user.session_id))


@keys.get("/.well-known/jwks.json")
@policy(limit=None)
async def get_public_keys(service: ServiceDep) -> Json:
    """What access tokens are verified with (RFC 7517)."""
    return Json(public_jwks(service.settings), headers={"cache-control": "public, max-age=300"})


async def _authenticated(db: Reader, login: Login) -> Mapping[str, Any]:
    """The account's row. Takes as long for an account that does not exist. Raises Unauthorized."""
    account: Mapping[str, Any] | None = await db.fetchrow(
        credentials.by_handle(handle=handles.fold(login.name))
    )
    matches = await passwords.verify(login.password, account["password_hash"] if account else None)
    if account is None or not matches:
        raise _wrong_credentials()
    if not account["active"]:
        raise Unauthorized("this account has been deactivated", code="account_deactivated")
    if passwords.outdated(outdated := account["password_hash"]):
        current = await passwords.hash_password(login.password)
        await db.execute(credentials.rehash(id=account["account_id"], outdated=outdated, current=current))
    return account


def _wrong_credentials() -> Unauthorized:
    return Unauthorized("wrong name or password", code="invalid_credentials")


async def _begin_session(settings: AuthSettings, tx: Reader, account: Mapping[str, Any]) -> Json:
    return _tokens(settings, await refresh_tokens.begin(tx, account, _lifetime(settings)))


def _lifetime(settings: AuthSettings) -> timedelta:
    return timedelta(hours=settings.refresh_token_expire_hours)


def _tokens(settings: AuthSettings, session: Session) -> Json:
    account = session.account
    access_token = sign_access_token(settings, account["account_id"], account["role"], session.session_id)
    answer = {
        "access_token": access_token,
        "refresh_token": session.refresh_token,
        "token_type": "bearer",
        "expires_in": settings.access_token_expire_minutes * 60,
        "token": access_token,
        "user": present(account),
    }
    return Json(answer, headers={"cache-control": "no-store"})

"""The caller of a request: `user: CurrentUser`, and tickets for clients that cannot set headers."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends
from starlette.requests import HTTPConnection

from libs.common.bus import Bus
from libs.common.errors import DomainError, Forbidden, Unauthorized
from libs.common.resilience import persist
from libs.common.settings import Settings
from libs.common.tokens import User, Verifier

ACCESS_CHANGED = "auth.access_changed"
"""The notice, `{account_id, active}`, that makes a deactivation felt before the next reload."""

_REMEMBERED = 10_000
_RELOAD_SECONDS = 2.0


class Authenticator:
    """Turns tokens and tickets into users; a token is verified once and remembered until it expires."""

    def __init__(self, settings: Settings, bus: Bus) -> None:
        self._verifier = Verifier(settings)
        self._bus = bus
        self._known: dict[str, User] = {}
        self.refused: frozenset[UUID] = frozenset()
        """Accounts that have been deactivated or erased: their tokens are still signed, but worth nothing."""

    async def by_token(self, token: str) -> User:
        """Raises Unauthorized, or Unavailable while auth's keys cannot be had."""
        user = self._known.get(token)
        if user is None or user.expires_at <= time.time():
            user = await self._verifier.verify(token)
            if len(self._known) >= _REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[token] = user
        return self._accepted(user)

    async def by_ticket(self, ticket: str) -> User:
        """Redeems a ticket with auth, which accepts each once and for a minute."""
        answer = await self._bus.ask("auth", "redeem_ticket", {"ticket": ticket})
        session_id = UUID(answer["session_id"]) if answer.get("session_id") else None
        user = User(UUID(answer["account_id"]), answer["role"], session_id, float(answer["expires_at"]))
        return self._accepted(user)

    async def keep_up(self, load: Callable[[], Awaitable[Iterable[UUID]]]) -> None:
        """Reloads `refused` every two seconds; while the database is away, whoever was refused stays so.

        Gets auth's keys before they are needed: tokens can then be checked while auth is away.
        """

        async def reload() -> None:
            while True:
                self.refused = frozenset(await load())
                await self._verifier.prefetch()
                await asyncio.sleep(_RELOAD_SECONDS)

        await persist("the reload of refused accounts", reload)

    def access_changed(self, notice: dict[str, Any]) -> None:
        account = {UUID(notice["account_id"])}
        self.refused = self.refused - account if notice["active"] else self.refused | account

    def _accepted(self, user: User) -> User:
        if user.id in self.refused:
            raise Unauthorized("this account has been deactivated", code="account_deactivated")
        return user


Caller = User | DomainError | None
"""Whom the Authorization header names; the error if it names nobody; None without one."""


async def identify(authenticator: Authenticator, authorization: bytes | None) -> Caller:
    """Raises nothing: a route that asks for no user answers whatever the header says."""
    if authorization is None:
        return None
    scheme, _, token = authorization.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not token:
        return Unauthorized("use Authorization: Bearer <access token>", code="invalid_token")
    try:
        return await authenticator.by_token(token.strip())
    except DomainError as refusal:
        return refusal


async def optional_user(connection: HTTPConnection) -> User | None:
    """Raises Unauthorized for an invalid token: an expired login does not turn into an anonymous visit."""
    caller: Caller = connection.scope["caller"]
    if isinstance(caller, DomainError):
        raise caller
    return caller


async def current_user(connection: HTTPConnection) -> User:
    user = await optional_user(connection)
    if user is None:
        raise Unauthorized("log in first: this needs an access token")
    return user


async def admin_user(connection: HTTPConnection) -> User:
    user = await current_user(connection)
    if not user.is_admin:
        raise Forbidden("this needs the role admin", code="admin_only")
    return user


async def stream_user(connection: HTTPConnection) -> User:
    """For SSE and WebSockets, where browsers cannot set headers: takes `?ticket=` and `?token=` too."""
    authenticator: Authenticator = connection.scope["app"].state.authenticator
    if ticket := connection.query_params.get("ticket"):
        return await authenticator.by_ticket(ticket)
    if token := connection.query_params.get("token"):
        return await authenticator.by_token(token)
    header = connection.headers.get("authorization")
    caller = await identify(authenticator, header.encode("latin-1") if header else None)
    if isinstance(caller, User):
        return caller
    raise caller or Unauthorized("add ?ticket= or ?token=")


OptionalUser = Annotated[User | None, Depends(optional_user)]
CurrentUser = Annotated[User, Depends(current_user)]
AdminUser = Annotated[User, Depends(admin_user)]
StreamUser = Annotated[User, Depends(stream_user)]

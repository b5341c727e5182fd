"""The route class of every service: who calls, how often, how much, and one transaction per command."""

import re
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response

from libs.common.database import Reader, Transaction
from libs.common.errors import Conflict
from libs.common.http.bodies import BoundedRequest, Json
from libs.common.http.direct import direct
from libs.common.http.etags import conditional, etag
from libs.common.http.middleware import Exchange
from libs.common.http.openapi import LOGIN, REFUSED
from libs.common.http.paging import PagingOf
from libs.common.http.rate_limits import LimitClass
from libs.common.idempotency import HEADER, Overtaken, Repeatable
from libs.common.identity import admin_user, current_user, identify, stream_user
from libs.common.messages import Meta
from libs.common.objects import ObjectStore
from libs.common.service import Service
from libs.common.telemetry import current_span, current_traceparent
from libs.common.tokens import User

F = TypeVar("F", bound=Callable[..., Any])
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
MEGABYTE = 2**20
Accept = Callable[..., Awaitable[None]]
_PRIVATE = (current_user, admin_user)
_BOUNDARY = re.compile(rb'boundary="?([^";,]+)')


@dataclass(frozen=True, slots=True)
class Policy:
    limit: LimitClass | None
    max_body: int = MEGABYTE
    repeatable: bool = True


def policy(
    *, limit: LimitClass | None, max_body: int = MEGABYTE, repeatable: bool = True
) -> Callable[[F], F]:
    """For a route that is no plain read or write.

    `limit` is its rate limit class (None: unlimited), `max_body` in bytes; answers that hold tokens are not
    `repeatable`: never stored under an Idempotency-Key.
    """

    def mark(endpoint: F) -> F:
        endpoint.__dict__["policy"] = Policy(limit, max_body, repeatable)
        return endpoint

    return mark


class Route(APIRoute):
    """Checks what it can before it reads the body; commits before the answer leaves."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        endpoint, self._providers = direct(endpoint)
        options["responses"] = {**REFUSED, **(options.get("responses") or {})}
        super().__init__(path, endpoint, **options)
        lists = [provider for provider in self._providers if isinstance(provider, PagingOf)]
        documented: dict[str, Any] = {"parameters": lists[0].parameters} if lists else {}
        if self._asks_for(*_PRIVATE, stream_user):
            documented |= LOGIN
        self.openapi_extra = {**documented, **(self.openapi_extra or {})}

    def _asks_for(self, *dependencies: Callable[..., Any]) -> bool:
        return any(call in dependencies for call in (*self._providers, *_calls(self.dependant)))

    def get_route_handler(self) -> Handler:
        answer = super().get_route_handler()
        reads = self.methods == {"GET"}
        default = Policy("read" if reads else "write")
        rules: Policy = getattr(self.endpoint, "policy", default)
        private = self._asks_for(*_PRIVATE)

        async def read(request: Request) -> Response:
            exchange = await _admit(request, rules, private)
            return conditional(await answer(request), exchange.headers.get(b"if-none-match"))

        async def write(request: Request) -> Response:
            exchange = await _admit(request, rules, private)
            if int(exchange.headers.get(b"content-length", b"0")) > rules.max_body:
                raise HTTPException(413, f"the body is larger than {rules.max_body} bytes")
            bounded = BoundedRequest(request.scope, request.receive, rules.max_body)
            return await _command(bounded, answer, rules)

        return read if reads else write


def router(tag: str) -> APIRouter:
    """A slice's routes; paths begin below `/api/v1`."""
    return APIRouter(prefix="/api/v1", tags=[tag], route_class=Route)


async def _admit(request: Request, rules: Policy, private: bool) -> Exchange:
    """Finds out who calls and counts the call; raises Unauthorized and TooMany."""
    scope = request.scope
    exchange: Exchange = scope["exchange"]
    state = scope["app"].state
    caller = scope["caller"] = await identify(state.authenticator, exchange.headers.get(b"authorization"))
    account = str(caller.id) if isinstance(caller, User) else None
    if account and (span := current_span()):
        span.log_fields["account_id"] = account
    if rules.limit:
        await state.rate_limits.count(rules.limit, account, exchange.address, exchange.answer_headers)
    if private:
        await current_user(request)
    return exchange


@dataclass(slots=True)
class Command:
    """One request that may write: its transaction, and under which key its answer is kept."""

    tx: Transaction
    repeatable: Repeatable | None

    async def accept(self, content: Any, status_code: int = 202) -> None:
        """Commits now, because what follows waits; from here on a repeated request is answered `content`."""
        if self.repeatable:
            await self.repeatable.keep(self.tx, Json(content, status_code))
        await self.tx.commit()


async def _command(request: Request, answer: Handler, rules: Policy) -> Response:
    service: Service[Any] = request.app.state.service
    exchange: Exchange = request.scope["exchange"]
    caller = request.scope["caller"]
    user = caller if isinstance(caller, User) else None
    repeatable = await _repeatable(request, exchange, user) if rules.repeatable else None
    if repeatable and (earlier := await repeatable.earlier(service.db)):
        return earlier
    actor = f"user:{user.id}" if user else None
    meta = Meta(exchange.request_id, actor=actor, traceparent=current_traceparent())
    try:
        async with service.transaction(meta) as tx:
            request.scope["command"] = Command(tx, repeatable)
            response = await answer(request)
            if isinstance(response, Json) and response.version is not None:
                response.raw_headers.append((b"etag", etag(response)))
            if repeatable:
                await repeatable.keep(tx, response)
            return response
    except Overtaken:
        return await _overtaken(repeatable, service)


async def _overtaken(repeatable: Repeatable | None, service: Service[Any]) -> Response:
    earlier = await repeatable.earlier(service.db) if repeatable else None
    if earlier is None:
        raise Conflict("a request with this Idempotency-Key has just been answered: try again", code="busy")
    return earlier


async def _repeatable(request: Request, exchange: Exchange, user: User | None) -> Repeatable | None:
    key = exchange.headers.get(HEADER)
    if key is None or request.method != "POST":
        return None
    boundary = _BOUNDARY.search(exchange.headers.get(b"content-type", b""))
    target = f"{request.url.path}?{request.url.query}"
    body = await request.body()
    content = body.replace(boundary[1], b"") if boundary else body  # every attempt draws a boundary anew
    return Repeatable.of(key, user.id if user else None, exchange.address, target, content)


def _calls(dependant: Dependant) -> Iterator[Callable[..., Any] | None]:
    for dependency in dependant.dependencies:
        yield dependency.call
        yield from _calls(dependency)


async def _tx(request: Request) -> Transaction:
    command: Command = request.scope["command"]
    return command.tx


async def _accept(request: Request) -> Accept:
    command: Command = request.scope["command"]
    return command.accept


async def _service(request: HTTPConnection) -> Service[Any]:
    service: Service[Any] = request.app.state.service
    return service


async def _db(request: HTTPConnection) -> Reader:
    service: Service[Any] = request.app.state.service
    return service.db


async def _objects(request: HTTPConnection) -> ObjectStore:
    service: Service[Any] = request.app.state.service
    return service.objects


Tx = Annotated[Transaction, Depends(_tx)]
"""The transaction of a request that may write: begun by its first statement, committed before the answer."""
Accepted = Annotated[Accept, Depends(_accept)]
"""`await accepted({"job_id": …})` in a route that then waits for the job."""
Db = Annotated[Reader, Depends(_db)]
"""The pool, for queries."""
Objects = Annotated[ObjectStore, Depends(_objects)]
ServiceDep = Annotated[Service[Any], Depends(_service)]

"""Every failure as a problem (RFC 9457): a refusal says why, an outage is a 503, a bug a bare 500."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import asyncpg
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request

from libs.common.errors import BY_STATUS, Conflict, DomainError, Invalid, Unavailable
from libs.common.http.bodies import Json
from libs.common.resilience import AWAY
from libs.common.telemetry import current_span

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class FieldError(BaseModel):
    loc: list[str | int]
    msg: str
    type: str


class Problem(BaseModel):
    """The body of every 4xx and 5xx answer; programs test `code`, people read `detail`."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldError] | None = None
    trace_id: str | None = None


def problem(
    status: int,
    detail: str,
    code: str,
    errors: list[dict[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Json:
    span = current_span()
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "trace_id": span.trace_id if span else None,
    }
    if errors:
        body["errors"] = errors
    return Json(body, status, dict(headers or {}), media_type=MEDIA_TYPE)


def refusal_problem(refusal: DomainError) -> Json:
    headers = {}
    if refusal.retry_after is not None:
        headers["retry-after"] = str(max(1, round(refusal.retry_after)))
    if refusal.status == 401:
        headers["www-authenticate"] = "Bearer"
    return problem(refusal.status, refusal.detail, refusal.code, refusal.errors, headers)


def failure_problem(error: Exception, request: Request) -> Json:
    """The answer to any exception; one that is nobody's refusal is a bug, logged here."""
    if isinstance(error, HTTPException):
        phrase = HTTPStatus(error.status_code).phrase
        known = BY_STATUS.get(error.status_code)
        code = known.default_code if known else phrase.lower().replace(" ", "_")
        return problem(error.status_code, error.detail or phrase, code, headers=error.headers)
    if refusal := _as_refusal(error):
        return refusal_problem(refusal)
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    shown = request.app.state.service.settings.app_env == "development"
    return problem(500, repr(error) if shown else "something went wrong on our side", "internal_error")


def _as_refusal(error: Exception) -> DomainError | None:
    if isinstance(error, DomainError):
        return error
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if isinstance(error, asyncpg.DataError) or (
        isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)
    ):
        log.warning("a value passed validation that the database refuses: %s", error)
        return Invalid("a value is out of range", code="out_of_range")
    if isinstance(error, asyncpg.TransactionRollbackError):
        return Conflict("somebody else changed this at the same moment: try again", code="busy")
    if isinstance(error, (*AWAY, asyncpg.InsufficientResourcesError)):
        log.warning("a server is away: %r", error)
        return Unavailable("a part of the system is away: try again soon", retry_after=2)
    return None


def _invalid(error: RequestValidationError) -> DomainError:
    found = [{"loc": list(e["loc"]), "msg": _message(e), "type": e["type"]} for e in error.errors()]
    if found and found[0]["type"] == "json_invalid":
        reason = error.errors()[0].get("ctx", {}).get("error", "")
        return Invalid(f"the body is no JSON: {reason}", code="invalid_json", errors=found)
    first = found[0] if found else {"loc": [], "msg": "invalid"}
    where = ".".join(str(part) for part in first["loc"][1:]) or "the request"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return Invalid(f"{where}: {first['msg']}{more}", code="validation_error", errors=found)


def _message(error: Mapping[str, Any]) -> str:
    """pydantic's, in words for whoever has sent it: characters are no items, and our own checks no value errors."""
    if "Expected UploadFile" in error["msg"]:
        return "must be a file, with a name"
    counted = error["type"] in ("too_short", "too_long") and isinstance(error["input"], str)
    if not counted:
        return str(error["msg"]).removeprefix("Value error, ")
    least, limits = error["type"] == "too_short", error["ctx"]
    limit = limits["min_length"] if least else limits["max_length"]
    return f"should have at {'least' if least else 'most'} {limit} character{'' if limit == 1 else 's'}"

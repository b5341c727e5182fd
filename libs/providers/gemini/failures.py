"""What the SDK raises, and what the API refuses, under our codes."""

import json
from collections.abc import Iterator
from typing import Any

import aiohttp
import pydantic
from google.genai import errors

from libs.providers.connections import TooMuch
from libs.providers.errors import ErrorCode, ProviderError, in_own_words, named, told_wait
from libs.providers.gemini.card import NAME
from libs.providers.record import Usage

# The SDK wraps refusals only: what breaks on the way arrives as the HTTP client's own error.
# What is JSON, but not the JSON of the protocol, breaks the SDK in ways of Python's own.
_MISREAD = (LookupError, TypeError, AttributeError, RecursionError)
RAISED = (errors.APIError, aiohttp.ClientError, TimeoutError, ValueError, *_MISREAD)

_BY_STATUS = {
    400: ErrorCode.INVALID,
    401: ErrorCode.AUTH,
    402: ErrorCode.QUOTA,
    403: ErrorCode.PERMISSION,
    404: ErrorCode.MODEL_NOT_FOUND,
    408: ErrorCode.TIMEOUT,
    413: ErrorCode.INVALID,
    429: ErrorCode.RATE_LIMITED,
    499: ErrorCode.TIMEOUT,
    504: ErrorCode.TIMEOUT,
}
_BY_REASON = {
    "API_KEY_INVALID": ErrorCode.AUTH,
    "API_KEY_EXPIRED": ErrorCode.AUTH,
    "CREDENTIALS_MISSING": ErrorCode.AUTH,
    "RATE_LIMIT_EXCEEDED": ErrorCode.RATE_LIMITED,
    "RESOURCE_QUOTA_EXCEEDED": ErrorCode.QUOTA,
    "SERVICE_DISABLED": ErrorCode.PERMISSION,
    "BILLING_DISABLED": ErrorCode.PERMISSION,
    "API_KEY_SERVICE_BLOCKED": ErrorCode.PERMISSION,
    "CONSUMER_SUSPENDED": ErrorCode.PERMISSION,
}
_BY_NAME = {
    "UNAUTHENTICATED": ErrorCode.AUTH,
    "PERMISSION_DENIED": ErrorCode.PERMISSION,
    "FAILED_PRECONDITION": ErrorCode.PERMISSION,  # it lacks billing, or a place where the service is offered
    "RESOURCE_EXHAUSTED": ErrorCode.RATE_LIMITED,
}
"""Gateways and proxies change the status; what Google says is more precise than any."""

_UNSAFE = "Gemini's safety filter refused this; another scene or other photos may pass"
_PROHIBITED = "Gemini makes no pictures of this kind, and reads none"
REFUSALS = {
    "SAFETY": _UNSAFE,
    "IMAGE_SAFETY": _UNSAFE,
    "ESCALATION": _UNSAFE,
    "MODEL_ARMOR": _UNSAFE,
    "JAILBREAK": _UNSAFE,
    "PROHIBITED_CONTENT": _PROHIBITED,
    "IMAGE_PROHIBITED_CONTENT": _PROHIBITED,
    "PUP_LIMITED_DISABLED": _PROHIBITED,
    "BLOCKLIST": "the request contains a word that Gemini blocks",
    "SPII": "the request contains sensitive personal information, which Gemini does not work on",
    "RECITATION": "the result came too close to an existing work; ask for something of your own",
    "IMAGE_RECITATION": "the picture came too close to an existing one; ask for something of your own",
}
"""Why an answer stopped or a prompt was blocked, in words for the user."""


def refusal(reason: str, request_id: str | None, usage: Usage | None = None) -> ProviderError:
    """The developer API gives no more than the reason's name."""
    words = REFUSALS.get(reason, "Gemini refused the request")
    return ProviderError(ErrorCode.REFUSED, words, NAME, reason=reason, request_id=request_id, usage=usage)


def failure(error: Exception) -> ProviderError:
    """Of one of `RAISED`."""
    match error:
        case errors.APIError():
            return _refused(error)
        case TimeoutError():  # aiohttp's own are, too
            return ProviderError(ErrorCode.TIMEOUT, in_own_words(ErrorCode.TIMEOUT, "Gemini", ""), NAME)
        case aiohttp.ClientError():
            return ProviderError(ErrorCode.UNAVAILABLE, "Gemini cannot be reached", NAME)
        case TooMuch():
            return ProviderError(ErrorCode.BAD_RESPONSE, "Gemini's answer is too large", NAME)
        case (
            errors.UnknownApiResponseError()
            | json.JSONDecodeError()
            | pydantic.ValidationError()
            | UnicodeError()
        ):
            return _unreadable()
        case _ if isinstance(error, _MISREAD):
            return _unreadable()
        case _:
            return ProviderError(ErrorCode.INVALID, str(error), NAME)


def _unreadable() -> ProviderError:
    return ProviderError(ErrorCode.BAD_RESPONSE, "Gemini's answer cannot be read", NAME)


def _refused(error: errors.APIError) -> ProviderError:
    name = named(error.status)
    reason = named(next(_details(error, "ErrorInfo"), {}).get("reason"))
    code = _code(error, reason, name)
    return ProviderError(
        code,
        in_own_words(code, "Gemini", str(error.message or error)),
        NAME,
        status=error.code,
        reason=reason or name,
        retry_after=_retry_after(error),
    )


def _code(error: errors.APIError, reason: str | None, name: str | None) -> ErrorCode:
    otherwise = ErrorCode.UNAVAILABLE if error.code >= 500 else ErrorCode.INVALID
    code = _BY_REASON.get(reason or "") or _BY_NAME.get(name or "") or _BY_STATUS.get(error.code, otherwise)
    daily = code is ErrorCode.RATE_LIMITED and "PerDay" in str(error.details)
    return ErrorCode.QUOTA if daily else code


def _retry_after(error: errors.APIError) -> float | None:
    """Seconds, out of the header or google.rpc.RetryInfo."""
    header = getattr(error.response, "headers", {}).get("retry-after")
    told = header or next(_details(error, "RetryInfo"), {}).get("retryDelay")
    return told_wait(str(told).removesuffix("s")) if told else None


def _details(error: errors.APIError, kind: str) -> Iterator[dict[str, Any]]:
    """Nothing, if the body is not one of the API's: gateways have forms of their own."""
    match error.details:
        case {"error": {"details": [*details]}}:
            for detail in details:
                if isinstance(detail, dict) and str(detail.get("@type")).endswith(f"google.rpc.{kind}"):
                    yield detail

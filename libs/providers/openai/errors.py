"""From the SDK's failures to the codes that stay. Needs the SDK."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import aiohttp
import httpx2
import openai

from libs.providers.connections import TooMuch
from libs.providers.errors import ErrorCode, ProviderError, in_own_words, named, told_wait
from libs.providers.openai.card import NAME
from libs.providers.record import Usage

REFUSALS = frozenset(
    {
        "content_policy_violation",
        "moderation_blocked",
        "image_content_policy_violation",
        "misalignment_policy_violation",
        "invalid_prompt",
        "bio_policy",
        "content_filter",
        "safety_violation",
    }
)
QUOTA = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
BY_STATUS = {
    401: ErrorCode.AUTH,
    402: ErrorCode.QUOTA,
    403: ErrorCode.PERMISSION,
    404: ErrorCode.MODEL_NOT_FOUND,
    408: ErrorCode.TIMEOUT,
    409: ErrorCode.UNAVAILABLE,
    429: ErrorCode.RATE_LIMITED,
}

OPTIONAL = frozenset({"response_format", "max_tokens", "max_completion_tokens", "reasoning", "text"})
"""Parameters without which a question can be asked: the schema is then told in words."""
_NAMED = re.compile(r"\b(response_format|max_tokens|max_completion_tokens|reasoning\.effort|text\.format)\b")

MISREAD = (ValueError, LookupError, TypeError, AttributeError)
"""What reading an answer raises that is JSON, but not the JSON of the protocol."""


@contextmanager
def translated(request_id: str | None = None, usage: Usage | None = None) -> Iterator[None]:
    """Whatever goes wrong inside leaves as `ProviderError`; an answer is known by its id, and what it used."""
    try:
        yield
    except openai.APIStatusError as error:
        raise _of_status(error) from error
    except (openai.APIConnectionError, httpx2.HTTPError, aiohttp.ClientError) as error:
        raise _of_connection(error) from error
    except (openai.APIResponseValidationError, *MISREAD) as error:
        text = "OpenAI's answer has not the form that was asked for"
        raise ProviderError(
            ErrorCode.BAD_RESPONSE,
            text,
            NAME,
            request_id=request_id,
            reason=type(error).__name__,
            usage=usage,
        ) from error


def _of_connection(error: Exception) -> ProviderError:
    """The SDK takes every connection that breaks for a timeout: its cause tells. Who is not reached is not slow."""
    cause: BaseException | None = error
    while cause and not isinstance(cause, httpx2.ConnectTimeout | aiohttp.ConnectionTimeoutError):
        if isinstance(cause, TimeoutError):
            return ProviderError(ErrorCode.TIMEOUT, in_own_words(ErrorCode.TIMEOUT, "OpenAI", ""), NAME)
        if isinstance(cause, TooMuch):
            return ProviderError(ErrorCode.BAD_RESPONSE, "OpenAI's answer is too large", NAME)
        cause = cause.__cause__
    return ProviderError(ErrorCode.UNAVAILABLE, "OpenAI cannot be reached", NAME)


def _of_status(error: openai.APIStatusError) -> ProviderError:
    reason = named(error.code)
    if reason in REFUSALS:
        return refused(_said(error), request_id=error.request_id, reason=reason)
    code = code_of(reason, error.status_code)
    return ProviderError(
        code,
        in_own_words(code, "OpenAI", _said(error)),
        NAME,
        status=error.status_code,
        retry_after=_wait(error.response.headers),
        request_id=error.request_id,
        reason=reason,
    )


def _wait(headers: Mapping[str, str]) -> float | None:
    """Seconds; OpenAI tells them in milliseconds as well, which is more exact."""
    exactly = told_wait(headers.get("retry-after-ms"))
    return told_wait(headers.get("retry-after")) if exactly is None else exactly / 1000


def unwanted(error: openai.APIStatusError) -> str | None:
    """The parameter that a model does not take, of those that a question can do without."""
    if error.status_code not in (400, 422) or named(error.code) in REFUSALS:
        return None
    parameter = (named(error.param) or "").partition(".")[0]
    if parameter in OPTIONAL:
        return parameter
    found = _NAMED.search(error.response.text[:2_000])  # each server has a form of its own
    return found[0].partition(".")[0] if found else None


def _said(error: openai.APIStatusError) -> str:
    """The service's own sentence; the SDK puts the status before it."""
    told = error.body.get("message") if isinstance(error.body, dict) else None
    return str(told or error.message)


def refused(
    why: str, *, request_id: str | None, reason: str | None, usage: Usage | None = None
) -> ProviderError:
    """A refusal of the content, in words for the user whose words or pictures it is about."""
    text = "OpenAI declined this for the sake of its content rules; change the words or the pictures"
    if why := why.strip().rstrip("."):
        text += f". It says: {why}"
    return ProviderError(ErrorCode.REFUSED, text, NAME, request_id=request_id, reason=reason, usage=usage)


def code_of(code: str | None, status: int) -> ErrorCode:
    if code in QUOTA:
        return ErrorCode.QUOTA
    return BY_STATUS.get(status, ErrorCode.UNAVAILABLE if status >= 500 else ErrorCode.INVALID)

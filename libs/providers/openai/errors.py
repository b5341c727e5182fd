"""From the SDK's failures to the codes that stay. Needs the SDK."""

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
import httpx2
import openai

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
    """The SDK takes every connection that breaks for a timeout: its cause tells."""
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, TimeoutError):
            return ProviderError(ErrorCode.TIMEOUT, in_own_words(ErrorCode.TIMEOUT, "OpenAI", ""), NAME)
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
        retry_after=told_wait(error.response.headers.get("retry-after")),
        request_id=error.request_id,
        reason=reason,
    )


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

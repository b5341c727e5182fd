"""From the SDK's failures to the codes that stay. Needs the SDK."""

import email.utils
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx2
import openai
import pydantic

from libs.providers.errors import ErrorCode, ProviderError
from libs.providers.openai.card import NAME

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
    403: ErrorCode.PERMISSION,
    404: ErrorCode.MODEL_NOT_FOUND,
    408: ErrorCode.TIMEOUT,
    409: ErrorCode.UNAVAILABLE,
    429: ErrorCode.RATE_LIMITED,
}
OWN_WORDS = {
    ErrorCode.AUTH: "OpenAI does not accept the key of this installation",
    ErrorCode.PERMISSION: "the key of this installation may not use this model of OpenAI",
    ErrorCode.MODEL_NOT_FOUND: "OpenAI has no such model, or not for this installation",
    ErrorCode.QUOTA: "what this installation may spend at OpenAI is spent",
    ErrorCode.RATE_LIMITED: "OpenAI takes no more requests for a moment",
    ErrorCode.TIMEOUT: "OpenAI took too long",
    ErrorCode.UNAVAILABLE: "OpenAI has a disturbance",
}
"""Shown to any user, so nothing of the installation's account is repeated."""


@contextmanager
def translated() -> Iterator[None]:
    """Whatever goes wrong inside leaves as `ProviderError`."""
    try:
        yield
    except openai.APIStatusError as error:
        raise _of_status(error) from error
    except openai.APITimeoutError as error:  # a subclass of APIConnectionError
        raise ProviderError(ErrorCode.TIMEOUT, OWN_WORDS[ErrorCode.TIMEOUT], NAME) from error
    except (openai.APIConnectionError, httpx2.HTTPError) as error:
        raise ProviderError(ErrorCode.UNAVAILABLE, "OpenAI cannot be reached", NAME) from error
    except (openai.APIResponseValidationError, pydantic.ValidationError, ValueError, LookupError) as error:
        text = "OpenAI's answer has not the form that was asked for"
        raise ProviderError(ErrorCode.BAD_RESPONSE, text, NAME, reason=type(error).__name__) from error


def _of_status(error: openai.APIStatusError) -> ProviderError:
    if error.code in REFUSALS:
        return refused(error.message, request_id=error.request_id, reason=error.code)
    code = code_of(error.code, error.status_code)
    return ProviderError(
        code,
        OWN_WORDS.get(code, error.message),
        NAME,
        status=error.status_code,
        retry_after=retry_after(error.response.headers),
        request_id=error.request_id,
        reason=error.code,
    )


def refused(why: str, *, request_id: str | None, reason: str | None) -> ProviderError:
    """A refusal of the content, in words for the user whose words or pictures it is about."""
    text = "OpenAI declined this for the sake of its content rules; change the words or the pictures"
    if why := why.strip().rstrip("."):
        text += f". It says: {why}"
    return ProviderError(ErrorCode.REFUSED, text, NAME, request_id=request_id, reason=reason)


def code_of(code: str | None, status: int) -> ErrorCode:
    if code in QUOTA:
        return ErrorCode.QUOTA
    return BY_STATUS.get(status, ErrorCode.UNAVAILABLE if status >= 500 else ErrorCode.INVALID)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from either form of the header; None without one that can be read."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        date = email.utils.parsedate_tz(value)
        return max(0.0, email.utils.mktime_tz(date) - time.time()) if date else None

"""Why a provider could not do what was asked, under codes that stay, and whether asking again may help."""

import email.utils
import enum
import math
import time
from typing import Any

from libs.common import errors
from libs.providers.record import FailedAttempt, Usage


class ErrorCode(enum.StrEnum):
    """Stable codes of provider failures, stored in jobs and shown to users."""

    NOT_CONFIGURED = "provider_not_configured"
    AUTH = "provider_auth"
    PERMISSION = "provider_permission"
    RATE_LIMITED = "provider_rate_limited"
    QUOTA = "provider_quota_exhausted"
    REFUSED = "content_refused"
    INVALID = "provider_invalid_request"
    MODEL_NOT_FOUND = "provider_model_not_found"
    TIMEOUT = "provider_timeout"
    UNAVAILABLE = "provider_unavailable"
    BAD_RESPONSE = "provider_bad_response"
    TRUNCATED = "provider_truncated"
    NO_IMAGE = "provider_no_image"
    UNSUPPORTED = "unsupported_capability"


RETRYABLE = frozenset(
    {
        ErrorCode.RATE_LIMITED,
        ErrorCode.TIMEOUT,
        ErrorCode.UNAVAILABLE,
        ErrorCode.BAD_RESPONSE,
        ErrorCode.NO_IMAGE,
    }
)


RETRYABLE_ONCE = frozenset({ErrorCode.BAD_RESPONSE, ErrorCode.NO_IMAGE})
"""What makes no sense twice will make none the third time."""


OWN_WORDS = {
    ErrorCode.AUTH: "{} does not accept the key of this installation",
    ErrorCode.PERMISSION: "the key of this installation may not use this model of {}",
    ErrorCode.MODEL_NOT_FOUND: "{} has no such model, or not for this installation",
    ErrorCode.QUOTA: "what this installation may spend at {} is spent",
    ErrorCode.RATE_LIMITED: "{} takes no more requests for a moment",
    ErrorCode.TIMEOUT: "{} took too long",
    ErrorCode.UNAVAILABLE: "{} has a disturbance",
}
"""Shown to any user, so nothing is repeated of what a provider says about the installation's account."""


def in_own_words(code: ErrorCode, provider: str, said: str) -> str:
    """A sentence for the user; `provider` as it calls itself, `said` what it has said of a request it cannot take."""
    return OWN_WORDS.get(code, "{} cannot take this request: {}").format(provider, said)


def told_wait(told: str | None) -> float | None:
    """Seconds of a Retry-After, in either of its forms; None without one that can be read."""
    if told is None:
        return None
    try:
        seconds = float(told)
    except ValueError:
        try:
            date = email.utils.parsedate_tz(told)
            seconds = email.utils.mktime_tz(date) - time.time() if date else math.nan
        except (ValueError, OverflowError):  # a year that no clock has
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def storable(said: str) -> str:
    """What PostgreSQL stores neither in text nor in JSON is replaced: a provider may say anything."""
    return said.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


LONGEST_SENTENCE, LONGEST_TEXT, LONGEST_NAME = 500, 4000, 200
"""In characters, of what is kept of a provider's words: at any length, no event would hold them."""


def cut(said: str, longest: int = LONGEST_SENTENCE) -> str:
    """What it says, as far as it can be kept."""
    text = storable(said[: longest + 1])
    return text if len(text) <= longest else text[: longest - 1] + "…"


def named(told: object) -> str | None:
    """A model, a request's id, a reason: as far as it can be kept, and None for anything but words."""
    return storable(told[:LONGEST_NAME]) or None if isinstance(told, str) else None


class ProviderError(Exception):
    """A provider could not do what was asked; `retryable` says whether asking again may help."""

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        provider: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
        reason: str | None = None,
        usage: Usage | None = None,
    ) -> None:
        """`usage`: what the provider has counted all the same, and will be paid for."""
        # Positional arguments all go to Exception, so that the error survives the pickle of a child process.
        super().__init__(code, message, provider)
        self.code, self.message, self.provider = code, cut(message), provider
        self.status, self.retry_after = status, retry_after
        self.request_id, self.reason, self.usage = named(request_id), named(reason), usage
        self.attempts: tuple[FailedAttempt, ...] = ()
        """Whoever was asked and could not do it, this failure's own provider included; the chain knows."""

    @property
    def retryable(self) -> bool:
        return self.code in RETRYABLE

    @property
    def most_attempts(self) -> int | None:
        """In how many attempts a job may meet it before it gives up; None: in as many as any job has."""
        return 2 if self.code in RETRYABLE_ONCE else None

    @property
    def record(self) -> list[dict[str, Any]]:
        """The failed attempts as events keep them."""
        return [attempt.record() for attempt in self.attempts]

    def __str__(self) -> str:
        return self.message


def refusal(code: ErrorCode, message: str, retry_after: float | None = None) -> errors.DomainError:
    """What to answer a caller who waited for a provider that could not do it: 422 if other words may help."""
    if code in (ErrorCode.REFUSED, ErrorCode.UNSUPPORTED):
        return errors.Invalid(message, code=code)
    return errors.BadGateway(message, code=code, retry_after=retry_after)

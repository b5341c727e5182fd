"""Why a provider could not do what was asked, under codes that stay, and whether asking again may help."""

import enum

from libs.common import errors


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
    ) -> None:
        # Positional arguments all go to Exception, so that the error survives the pickle of a child process.
        super().__init__(code, message, provider)
        self.code, self.message, self.provider = code, message, provider
        self.status, self.retry_after = status, retry_after
        self.request_id, self.reason = request_id, reason

    @property
    def retryable(self) -> bool:
        return self.code in RETRYABLE

    @property
    def most_attempts(self) -> int | None:
        """In how many attempts a job may meet it before it gives up; None: in as many as any job has."""
        return 2 if self.code in RETRYABLE_ONCE else None

    def __str__(self) -> str:
        return self.message


def refusal(code: ErrorCode, message: str, retry_after: float | None = None) -> errors.DomainError:
    """What to answer a caller who waited for a provider that could not do it."""
    if code in (ErrorCode.INVALID, ErrorCode.REFUSED, ErrorCode.UNSUPPORTED):
        return errors.Invalid(message, code=code)
    return errors.BadGateway(message, code=code, retry_after=retry_after)

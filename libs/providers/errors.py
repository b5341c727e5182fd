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

    def __str__(self) -> str:
        return f"{self.provider}: {self.message} ({self.code})"

    def as_domain_error(self) -> errors.DomainError:
        """The refusal to answer with when a caller waits for the provider."""
        if self.code in (ErrorCode.INVALID, ErrorCode.REFUSED, ErrorCode.UNSUPPORTED):
            return errors.Invalid(self.message, code=self.code)
        if self.retryable:
            return errors.Unavailable(self.message, code=self.code, retry_after=self.retry_after)
        return errors.BadGateway(self.message, code=self.code)


def refused(
    provider: str, why: str, *, request_id: str | None = None, reason: str | None = None
) -> ProviderError:
    """A refusal of the content, in words for the user whose words or pictures it is about."""
    text = f"{provider} declined this for the sake of its content rules; change the words or the pictures"
    if why := why.strip().rstrip("."):
        text += f". It says: {why}"
    return ProviderError(ErrorCode.REFUSED, text, provider, request_id=request_id, reason=reason)

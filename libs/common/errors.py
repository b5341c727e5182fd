"""Every refusal a caller can meet, by HTTP status; `code` is a stable word that programs may test for."""

from typing import Any, ClassVar


class DomainError(Exception):
    """A refusal the caller can understand; the HTTP edge turns it into a problem+json answer."""

    status: ClassVar[int] = 400
    default_code: ClassVar[str] = "bad_request"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        errors: list[dict[str, Any]] | None = None,
        retry_after: float | None = None,
    ) -> None:
        """`errors` are `{loc, msg, type}` per field; `retry_after` is in seconds."""
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.default_code
        self.errors = errors or []
        self.retry_after = retry_after


class BadRequest(DomainError):
    pass


class Unauthorized(DomainError):
    status, default_code = 401, "unauthorized"


class Forbidden(DomainError):
    status, default_code = 403, "forbidden"


class NotFound(DomainError):
    status, default_code = 404, "not_found"


class Conflict(DomainError):
    status, default_code = 409, "conflict"


class PreconditionFailed(DomainError):
    status, default_code = 412, "precondition_failed"


class TooLarge(DomainError):
    status, default_code = 413, "too_large"


class UnsupportedMedia(DomainError):
    status, default_code = 415, "unsupported_media_type"


class Invalid(DomainError):
    status, default_code = 422, "invalid"


class TooMany(DomainError):
    status, default_code = 429, "too_many_requests"


class BadGateway(DomainError):
    status, default_code = 502, "bad_gateway"


class Unavailable(DomainError):
    status, default_code = 503, "unavailable"


BY_STATUS: dict[int, type[DomainError]] = {kind.status: kind for kind in DomainError.__subclasses__()}

"""What every provider speaks: requests, results, usage, errors and the two protocols."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, Literal, Protocol, TypeVar, get_args, runtime_checkable

from libs.common import errors
from libs.providers.specification import Defect, ProductSpec

AspectRatio = Literal["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"]
Resolution = Literal["1K", "2K", "4K"]
View = Literal["auto", "front", "top"]
ASPECT_RATIOS: tuple[AspectRatio, ...] = get_args(AspectRatio)
RESOLUTIONS: tuple[Resolution, ...] = get_args(Resolution)

T = TypeVar("T")


class Capability(enum.StrEnum):
    """What can be asked of a provider; the chain of each is the setting `PROVIDERS_<CAPABILITY>`."""

    DESCRIBE = "vision.describe"
    CLASSIFY = "vision.classify"
    DEFECTS = "vision.defects"
    PROMPTS = "text.prompts"
    GENERATE = "image.generate"
    EDIT = "image.edit"
    TRY_ON = "image.tryon"
    REMOVE_BACKGROUND = "image.remove_bg"


@dataclass(frozen=True, slots=True)
class ImageBlob:
    """An accepted picture; `width` and `height` are those of the upright picture."""

    data: bytes
    mime: str
    width: int
    height: int
    role: Literal["product", "reference", "person", "garment", "parent", "mask"] = "product"


@dataclass(frozen=True, slots=True)
class KnownSize:
    """A length the user knows, which turns the outline's ratio into dimensions."""

    axis: Literal["width", "height"]
    value: float
    unit: Literal["mm", "cm", "m", "in"] = "mm"


@dataclass(frozen=True, slots=True)
class Hints:
    """What the user already said about the product."""

    title: str | None = None
    description: str | None = None
    known_size: KnownSize | None = None
    marker_mm: float | None = None
    """Side of a printed ArUco marker (4x4_50) that lies in the product's plane."""


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """One picture to make; a request for several is several of these, each with its own `index` and seed."""

    prompt: str
    references: Sequence[ImageBlob] = ()
    aspect_ratio: AspectRatio = "1:1"
    resolution: Resolution = "1K"
    seed: int = 0
    index: int = 0
    """Place among the pictures of one request: the same seed gives another framing for another index."""
    view: View = "auto"
    scene: str | None = None
    """The user's own words when `prompt` also describes the product; the local provider reads only these."""
    transparent: bool = False
    specification: Mapping[str, Any] | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """The caller's facts (request id, specification version and so on) for the record inside the picture."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts as the provider reports them; all `None` for a provider that counts nothing."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """A provider that came first in the chain and could not do it."""

    provider: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class CallInfo:
    """How an answer came about, for the job's record and the provenance of its result."""

    provider: str
    model: str
    latency_ms: float
    request_id: str | None = None
    usage: Usage = field(default_factory=Usage)
    finish_reason: str | None = None
    warnings: tuple[str, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds per step, named `<step>_ms`."""
    fallback_from: tuple[FailedAttempt, ...] = ()

    def record(self) -> dict[str, Any]:
        """The call as events keep it, beside the provider and the model."""
        return {
            "request_id": self.request_id,
            "latency_ms": self.latency_ms,
            "timings": dict(self.timings),
            "usage": asdict(self.usage),
            "finish_reason": self.finish_reason,
            "warnings": list(self.warnings),
            "failed_attempts": [asdict(attempt) for attempt in self.fallback_from],
        }


@dataclass(frozen=True, slots=True)
class Analysis(Generic[T]):
    """What a vision provider read out of photos."""

    value: T
    call: CallInfo


@dataclass(frozen=True, slots=True)
class ImageOut:
    """An encoded picture; its size is measured, never taken from an answer on the wire."""

    data: bytes
    mime: str
    width: int
    height: int
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class ImageResult:
    """One picture and how it was made; `details` is JSON (scene, words used and ignored, confidence…)."""

    image: ImageOut
    call: CallInfo
    details: Mapping[str, Any] = field(default_factory=dict)
    text: str | None = None


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


@runtime_checkable
class VisionProvider(Protocol):
    """Reads photos. Every method raises `ProviderError`, and nothing else, when it cannot answer."""

    name: str
    capabilities: frozenset[Capability]

    async def describe(self, images: Sequence[ImageBlob], hints: Hints) -> Analysis[ProductSpec]:
        """One specification out of all photos of a product, the primary photo first."""
        ...

    async def classify(self, image: ImageBlob, labels: Sequence[str]) -> Analysis[dict[str, float]]:
        """Confidence per label."""
        ...

    async def defects(self, image: ImageBlob) -> Analysis[tuple[Defect, ...]]: ...

    async def aclose(self) -> None: ...


@runtime_checkable
class ImageProvider(Protocol):
    """Makes pictures. Every method raises `ProviderError`, and nothing else, when it cannot answer."""

    name: str
    capabilities: frozenset[Capability]

    async def generate(self, request: ImageRequest) -> ImageResult: ...

    async def remove_background(self, image: ImageBlob) -> ImageResult: ...

    async def aclose(self) -> None: ...

"""The record of a call: who answered, who could not, the tokens, the time and the money it took."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts as the provider reports them; all `None` for a provider that counts nothing.

    `input_tokens` includes the cached ones and those of pictures, `output_tokens` those of pictures and thoughts.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cached_input_tokens: int = 0
    image_input_tokens: int = 0
    image_output_tokens: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """A provider that came first in the chain and could not do it; without a model, it was not even asked."""

    provider: str
    code: str
    message: str
    request_id: str | None = None
    model: str | None = None
    latency_ms: float | None = None
    cost: str | None = None
    """US dollars, where an answer that was of no use had to be paid for."""

    def record(self) -> dict[str, Any]:
        return asdict(self) | {"cost": None if self.cost is None else float(self.cost)}


@dataclass(frozen=True, slots=True)
class CallInfo:
    """How an answer came about, for the job's record and the provenance of its result.

    `model` is the one that answered, by the provider's own account. `attempts`: in which attempt of the job.
    """

    provider: str
    model: str
    latency_ms: float
    request_id: str | None = None
    usage: Usage = field(default_factory=Usage)
    finish_reason: str | None = None
    warnings: tuple[str, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds per step, named `<step>_ms`."""
    attempts: int = 1
    cost: str | None = None
    """US dollars as a decimal, computed by the chain from `usage` and the price table; `None` is unknown."""
    fallback_from: tuple[FailedAttempt, ...] = ()

    def record(self) -> dict[str, Any]:
        """The call as events keep it, beside the provider and the model."""
        return {
            "request_id": self.request_id,
            "latency_ms": self.latency_ms,
            "attempts": self.attempts,
            "cost": None if self.cost is None else float(self.cost),
            "timings": dict(self.timings),
            "usage": asdict(self.usage),
            "finish_reason": self.finish_reason,
            "warnings": list(self.warnings),
            "failed_attempts": [attempt.record() for attempt in self.fallback_from],
        }

    def in_vain(self, code: str, message: str) -> tuple[FailedAttempt, ...]:
        """The attempts when the answer proves to be of no use after all."""
        last = FailedAttempt(
            self.provider, code, message, self.request_id, self.model, self.latency_ms, self.cost
        )
        return (*self.fallback_from, last)


def passed_over(made_by: str, *asked: str | None) -> str | None:
    """Who was `asked` first, in whichever attempt of a job, if another one has made it in the end."""
    first = next(filter(None, asked), None)
    return None if first == made_by else first


def counted(told: object) -> int | None:
    """A number of tokens as a provider tells it; None for anything that counts nothing."""
    return int(told) if isinstance(told, int | float) and 0 <= told < 1e12 else None


MOST_DETAILS = 4000
"""Bytes of JSON."""


def counts(told: object) -> dict[str, Any]:
    """A provider's own account of what it counted; nothing, if it is none, or not of a size to be kept."""
    try:
        account = orjson.dumps(told)
    except TypeError:  # no JSON, too deep, a number or a word that cannot be stored
        return {}
    if not isinstance(told, Mapping) or len(account) > MOST_DETAILS or b"\\u0000" in account:
        return {}
    return dict(orjson.loads(account))


def spent(call: Mapping[str, Any]) -> float:
    """US dollars by a call's `record`, useless answers included; what is not known counts as nothing."""
    attempts = [call, *call.get("failed_attempts", ())]
    return sum(float(attempt.get("cost") or 0) for attempt in attempts)

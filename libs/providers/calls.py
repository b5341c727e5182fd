"""One call to one provider: past its breaker, within one deadline, counted and measured."""

import logging
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from prometheus_client import Counter, Histogram

from libs.providers.base import Analysis, Capability, ImageResult
from libs.providers.deadline import deadline
from libs.providers.errors import ErrorCode, ProviderError
from libs.providers.record import Usage

log = logging.getLogger(__name__)

R = TypeVar("R", bound=Analysis[Any] | ImageResult)

CALLS = Counter(
    "vitrine_provider_calls", "Calls of providers by how they ended", ["provider", "capability", "code"]
)
SECONDS = Histogram(
    "vitrine_provider_call_seconds",
    "How long calls of providers took, the failed ones too",
    ["provider", "capability"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 100),
)
COST = Counter(
    "vitrine_provider_cost_usd", "US dollars that calls of providers have cost", ["provider", "capability"]
)

TOKENS = Counter(
    "vitrine_provider_tokens",
    "Tokens that calls of providers have used, where they count any",
    ["provider", "model", "kind"],
)

DISTURBANCES = frozenset({ErrorCode.TIMEOUT, ErrorCode.UNAVAILABLE})
"""Failures that say something about the provider and nothing about what it was asked."""


def note_spent(provider: str, capability: Capability, model: str, usage: Usage, cost: Decimal | None) -> None:
    """Of an answer, one of no use included; `model` is the one that was asked for."""
    COST.labels(provider, capability).inc(float(cost or 0))
    TOKENS.labels(provider, model, "input").inc(usage.input_tokens or 0)
    TOKENS.labels(provider, model, "output").inc(usage.output_tokens or 0)


@dataclass(slots=True)
class Breaker:
    """Leaves a provider alone that fails again and again; one for each, in each process.

    After `most_failures` in a row nobody asks it for `pause` seconds. Then one call tries it: if that one
    succeeds all may ask again, and otherwise it is left alone for another while.
    """

    provider: str
    most_failures: int = 5
    pause: float = 30.0
    clock: Callable[[], float] = time.monotonic
    _failures: int = 0
    _closed_until: float = 0.0

    def check(self) -> None:
        """Raises ProviderError (unavailable) while it is to be left alone."""
        if self._failures < self.most_failures:
            return
        now = self.clock()
        if now < self._closed_until:
            text = (
                f"{self.provider} has failed {self._failures} times in a row and is left alone for a moment"
            )
            wait = self._closed_until - now
            raise ProviderError(ErrorCode.UNAVAILABLE, text, self.provider, retry_after=wait)
        self._closed_until = now + self.pause  # this call tries it; the others wait for its end

    def note(self, failure: ErrorCode | None) -> None:
        """How a call ended; None is success."""
        if failure not in DISTURBANCES:
            self._failures = 0
            return
        self._failures += 1
        self._closed_until = self.clock() + self.pause


@dataclass(slots=True)
class Calls:
    """`vision_seconds` and `image_seconds`: how long one call may take."""

    vision_seconds: float
    image_seconds: float
    _breakers: dict[str, Breaker] = field(default_factory=dict)

    def check(self, provider: str) -> None:
        """Before a call, which is then to be made. Raises ProviderError (unavailable) for one that is left alone."""
        self._breaker(provider).check()

    def _breaker(self, provider: str) -> Breaker:
        return self._breakers.setdefault(provider, Breaker(provider))

    async def make(
        self,
        provider: str,
        capability: Capability,
        call: Callable[[], Awaitable[R]],
        most_seconds: float = math.inf,
    ) -> R:
        """Within `most_seconds` and what any call may take. Raises ProviderError, and nothing else."""
        own = self.image_seconds if capability.startswith("image.") else self.vision_seconds
        started = time.perf_counter()
        code = "cancelled"
        try:
            result = await self._in_time(provider, call, min(own, most_seconds))
            code = "ok"
        except ProviderError as error:
            code = error.code
            raise
        finally:
            CALLS.labels(provider, capability, code).inc()
            SECONDS.labels(provider, capability).observe(time.perf_counter() - started)
        return result

    async def _in_time(self, provider: str, call: Callable[[], Awaitable[R]], seconds: float) -> R:
        breaker = self._breaker(provider)
        try:
            async with deadline(seconds):
                result = await call()
        except TimeoutError as error:
            breaker.note(ErrorCode.TIMEOUT)
            text = f"{provider} took longer than {seconds:.3g} seconds"
            raise ProviderError(ErrorCode.TIMEOUT, text, provider) from error
        except ProviderError as error:
            breaker.note(error.code)
            raise
        except Exception as error:  # an answer that its adapter was not prepared for
            log.exception("%s answered what its adapter cannot read", provider)
            breaker.note(ErrorCode.BAD_RESPONSE)
            text = f"what {provider} answered cannot be used"
            raise ProviderError(ErrorCode.BAD_RESPONSE, text, provider) from error
        breaker.note(None)
        return result

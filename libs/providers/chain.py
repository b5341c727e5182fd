"""The ordered providers of every capability, and the fallback from one to the next, which is never silent."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar

from libs.common.errors import BadGateway, Invalid
from libs.common.telemetry import span
from libs.providers.base import (
    Analysis,
    Capability,
    ErrorCode,
    FailedAttempt,
    Hints,
    ImageBlob,
    ImageProvider,
    ImageRequest,
    ImageResult,
    ProviderError,
    VisionProvider,
)
from libs.providers.registry import CARDS, MODEL_NAMES, Card, Provider, model_list
from libs.providers.specification import Defect, ProductSpec

log = logging.getLogger(__name__)

R = TypeVar("R", bound=Analysis[Any] | ImageResult)

FINAL = frozenset({ErrorCode.INVALID, ErrorCode.REFUSED})
"""Failures that are about the request: asking another provider would only get around them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Who will do the work, to be pinned when the work is accepted."""

    provider: str
    model: str
    fallback_from: str | None = None
    """The provider that was asked for by name or model and does not exist here."""


class Providers:
    """One per process; opens each provider at its first use. Close it with `aclose`."""

    def __init__(self, chains: Mapping[str, Sequence[str]], cards: Mapping[str, Card] = CARDS) -> None:
        """`chains`: the names of each capability's providers, best first. `ValueError` for unknown names."""
        unknown = {name for chain in chains.values() for name in chain} - cards.keys()
        if unknown:
            raise ValueError(f"no such provider: {', '.join(sorted(unknown))}; there are: {', '.join(cards)}")
        self.chains = {Capability(capability): tuple(names) for capability, names in chains.items()}
        self._cards = cards
        self._opened: dict[str, Provider] = {}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Reads `providers_vision_describe: "openai,local"` and so on; what is missing is `local` alone."""
        chains: dict[str, list[str]] = {}
        for capability in Capability:
            key = "providers_" + capability.replace(".", "_")
            names = str(settings.get(key) or "local").split(",")
            chains[capability] = [name.strip() for name in names if name.strip()]
        return cls(chains)

    async def aclose(self) -> None:
        for provider in self._opened.values():
            await provider.aclose()
        self._opened.clear()

    def models(self) -> dict[str, Any]:
        """The answer of `GET /models`; a capability without providers is not offered by this installation."""
        offered = {capability.value: self._chain(capability) for capability in Capability}
        return {"models": model_list(self._cards), "capabilities": offered}

    def _chain(self, capability: Capability) -> list[str]:
        """Without the configured providers that do not offer it."""
        names = self.chains.get(capability, ())
        return [name for name in names if capability in self._cards[name].capabilities]

    def choose(
        self,
        capability: Capability,
        *,
        provider: str | None = None,
        model: str | None = None,
        fallback: bool = True,
    ) -> Choice:
        """Who will do it, by name, by model, or the chain's first; opens nothing.

        Raises `Invalid` (unknown_provider, unknown_model, unsupported_capability) and, when the wanted one is
        not part of this build and `fallback` is off, `BadGateway` (provider_not_configured).
        """
        wanted = provider or self._owner_of(model)
        if wanted in self._cards or wanted is None:
            return self._first(capability, wanted)
        if wanted not in MODEL_NAMES.values():
            raise Invalid(f"no such provider: {wanted}", code="unknown_provider")
        if not fallback:
            raise BadGateway(f"{wanted} is not a provider of this build", code=ErrorCode.NOT_CONFIGURED)
        return replace(self._first(capability, None), fallback_from=wanted)

    def _owner_of(self, model: str | None) -> str | None:
        owners = dict(MODEL_NAMES) | {card.model: card.name for card in self._cards.values()}
        if model is not None and model not in owners:
            raise Invalid(f"no such model: {model}", code="unknown_model")
        return owners[model] if model else None

    def _first(self, capability: Capability, wanted: str | None) -> Choice:
        for name in [wanted] if wanted else self._chain(capability):
            if capability in self._cards[name].capabilities:
                return Choice(name, self._cards[name].model)
        raise Invalid(f"{wanted or 'no provider'} does not offer {capability}", code=ErrorCode.UNSUPPORTED)

    async def describe(
        self, images: Sequence[ImageBlob], hints: Hints, *, provider: str | None = None, fallback: bool = True
    ) -> Analysis[ProductSpec]:
        async def call(vision: VisionProvider) -> Analysis[ProductSpec]:
            return await vision.describe(images, hints)

        return await self._run(Capability.DESCRIBE, call, provider, fallback)

    async def classify(
        self, image: ImageBlob, labels: Sequence[str], *, provider: str | None = None, fallback: bool = True
    ) -> Analysis[dict[str, float]]:
        async def call(vision: VisionProvider) -> Analysis[dict[str, float]]:
            return await vision.classify(image, labels)

        return await self._run(Capability.CLASSIFY, call, provider, fallback)

    async def defects(
        self, image: ImageBlob, *, provider: str | None = None, fallback: bool = True
    ) -> Analysis[tuple[Defect, ...]]:
        async def call(vision: VisionProvider) -> Analysis[tuple[Defect, ...]]:
            return await vision.defects(image)

        return await self._run(Capability.DEFECTS, call, provider, fallback)

    async def generate(
        self, request: ImageRequest, *, provider: str | None = None, fallback: bool = True
    ) -> ImageResult:
        async def call(maker: ImageProvider) -> ImageResult:
            return await maker.generate(request)

        return await self._run(Capability.GENERATE, call, provider, fallback)

    async def remove_background(
        self, image: ImageBlob, *, provider: str | None = None, fallback: bool = True
    ) -> ImageResult:
        async def call(maker: ImageProvider) -> ImageResult:
            return await maker.remove_background(image)

        return await self._run(Capability.REMOVE_BACKGROUND, call, provider, fallback)

    async def _run(
        self,
        capability: Capability,
        call: Callable[[Any], Awaitable[R]],
        provider: str | None,
        fallback: bool,
    ) -> R:
        """Asks one provider after the other; raises the failure that is most worth a retry."""
        failures: list[ProviderError] = []
        for name in self._order(capability, provider, fallback):
            with span(f"provider {capability}", kind="client", provider=name):
                try:
                    result = await call(self._open(name))
                except ProviderError as error:
                    if error.code in FINAL:
                        raise
                    log.warning(
                        "provider failed",
                        extra={"capability": capability, "provider": name, "code": error.code},
                    )
                    failures.append(error)
                else:
                    attempts = tuple(FailedAttempt(e.provider, e.code, e.message) for e in failures)
                    return replace(result, call=replace(result.call, fallback_from=attempts))
        if not failures:
            raise ProviderError(ErrorCode.UNSUPPORTED, f"no provider for {capability}", "none")
        raise next((error for error in failures if error.retryable), failures[0])

    def _order(self, capability: Capability, provider: str | None, fallback: bool) -> list[str]:
        chain = self._chain(capability)
        order = [provider, *(name for name in chain if name != provider)] if provider else chain
        return order if fallback else order[:1]

    def _open(self, name: str) -> Provider:
        if name not in self._cards:
            raise ProviderError(ErrorCode.NOT_CONFIGURED, f"{name} is not a provider of this build", name)
        if name not in self._opened:
            self._opened[name] = self._cards[name].open()
        return self._opened[name]

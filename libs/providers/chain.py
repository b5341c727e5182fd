"""The ordered providers of every capability, and the fallback from one to the next, which is never silent."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Self, TypeVar

from libs.common.telemetry import span
from libs.providers.attempts import Asking
from libs.providers.base import (
    Analysis,
    Brief,
    Capability,
    Hints,
    ImageBlob,
    ImageProvider,
    ImageRequest,
    ImageResult,
    Resolution,
    TextProvider,
    VisionProvider,
)
from libs.providers.calls import Calls, note_spent
from libs.providers.card import Provider
from libs.providers.described import settled
from libs.providers.directory import Directory
from libs.providers.errors import ErrorCode, ProviderError
from libs.providers.record import FailedAttempt
from libs.providers.references import arranged
from libs.providers.settings import ProviderSettings
from libs.providers.specification import Attribute, Defect, ProductSpec

log = logging.getLogger(__name__)

R = TypeVar("R", bound=Analysis[Any] | ImageResult)


class Providers:
    """One per process; opens each provider at its first use. Close it with `aclose`.

    Every call asks `provider` first and with `model`, if they are given, then the others of the capability's
    chain with their own models, unless `fallback` is off. `asking` is the part of the job that
    it is asked for.
    """

    def __init__(
        self, directory: Directory, *, vision_seconds: float = 45, image_seconds: float = 90
    ) -> None:
        """How long one call of one provider may take."""
        self.directory = directory
        self._calls = Calls(vision_seconds, image_seconds)
        self._opened: dict[str, Provider] = {}

    @classmethod
    def from_settings(cls, settings: ProviderSettings) -> Self:
        return cls(
            Directory.from_settings(settings),
            vision_seconds=settings.providers_vision_seconds,
            image_seconds=settings.providers_image_seconds,
        )

    async def aclose(self) -> None:
        for provider in self._opened.values():
            await provider.aclose()
        self._opened.clear()

    async def describe(
        self,
        images: Sequence[ImageBlob],
        hints: Hints,
        *,
        provider: str | None = None,
        model: str | None = None,
        fallback: bool = True,
        asking: Asking | None = None,
    ) -> Analysis[ProductSpec]:
        async def call(vision: VisionProvider, model: str) -> Analysis[ProductSpec]:
            return settled(await vision.describe(images, hints, model), hints)

        return await self._run(Capability.DESCRIBE, call, provider, model, fallback, asking=asking)

    async def classify(self, image: ImageBlob, labels: Sequence[str]) -> Analysis[dict[str, float]]:
        async def call(vision: VisionProvider, model: str) -> Analysis[dict[str, float]]:
            return await vision.classify(image, labels, model)

        return await self._run(Capability.CLASSIFY, call)

    async def attributes(self, image: ImageBlob, names: Sequence[str]) -> Analysis[tuple[Attribute, ...]]:
        async def call(vision: VisionProvider, model: str) -> Analysis[tuple[Attribute, ...]]:
            return await vision.attributes(image, names, model)

        return await self._run(Capability.ATTRIBUTES, call)

    async def defects(self, image: ImageBlob) -> Analysis[tuple[Defect, ...]]:
        async def call(vision: VisionProvider, model: str) -> Analysis[tuple[Defect, ...]]:
            return await vision.defects(image, model)

        return await self._run(Capability.DEFECTS, call)

    async def prompts(
        self, brief: Brief, count: int, *, asking: Asking | None = None
    ) -> Analysis[tuple[str, ...]]:
        async def call(writer: TextProvider, model: str) -> Analysis[tuple[str, ...]]:
            return await writer.prompts(brief, count, model)

        return await self._run(Capability.PROMPTS, call, asking=asking)

    async def make(
        self,
        capability: Capability,
        request: ImageRequest,
        *,
        provider: str | None = None,
        model: str | None = None,
        fallback: bool = True,
        asking: Asking | None = None,
    ) -> ImageResult:
        """A picture: `capability` is GENERATE, EDIT, TRY_ON or REMOVE_BACKGROUND."""
        request = arranged(capability, request)

        async def call(maker: ImageProvider, model: str) -> ImageResult:
            match capability:
                case Capability.GENERATE:
                    return await maker.generate(request, model)
                case Capability.EDIT:
                    return await maker.edit(request, model)
                case Capability.TRY_ON:
                    return await maker.try_on(request, model)
                case Capability.REMOVE_BACKGROUND:
                    return await maker.remove_background(request, model)
            raise ValueError(f"{capability} makes no picture out of a request")

        return await self._run(capability, call, provider, model, fallback, request.resolution, asking)

    async def _run(
        self,
        capability: Capability,
        call: Callable[[Any, str], Awaitable[R]],
        provider: str | None = None,
        model: str | None = None,
        fallback: bool = True,
        resolution: Resolution | None = None,
        asking: Asking | None = None,
    ) -> R:
        """Asks one provider after the other; raises the failure that is most worth a retry, with all `attempts`.

        A refusal of the content ends it: to ask the next one would be to get around it.
        """
        asking = asking or Asking()
        failures: list[ProviderError] = []
        order = self._order(capability, provider, fallback)
        for name in order:
            seconds = asking.seconds(last=name == order[-1])
            wanted = model if name == provider else None
            with span(f"provider {capability}", kind="client", provider=name):
                try:
                    chosen, result = await self._ask(name, capability, call, wanted, seconds, asking)
                except ProviderError as error:
                    failures.append(error)
                    if error.code == ErrorCode.REFUSED:
                        break
                else:
                    return self._recorded(capability, result, asking.in_vain, chosen, resolution)
        if not failures:
            raise ProviderError(ErrorCode.UNSUPPORTED, f"no provider for {capability}", "none")
        told = min(failures, key=lambda error: (error.code != ErrorCode.REFUSED, not error.retryable))
        told.attempts = tuple(asking.in_vain)
        raise told

    async def _ask(
        self,
        name: str,
        capability: Capability,
        call: Callable[[Any, str], Awaitable[R]],
        wanted: str | None,
        seconds: float,
        asking: Asking,
    ) -> tuple[str, R]:
        """The model that was asked, and its answer; without one, `asking` has it."""
        chosen, began = None, time.perf_counter()
        try:
            model = self._model(name, capability, wanted)
            asked = partial(call, self._open(name), model)
            self._calls.check(name)
            chosen = model  # from here on it is a call
            return model, await self._calls.make(name, capability, asked, seconds)
        except ProviderError as error:
            asking.in_vain.append(self._failed(capability, error, name, chosen, began))
            raise
        except asyncio.CancelledError:
            stopped = asking.stopped(name, chosen, _since(began))
            _warn(capability, stopped)
            asking.in_vain.append(stopped)
            raise

    def _recorded(
        self,
        capability: Capability,
        result: R,
        attempts: Sequence[FailedAttempt],
        model: str,
        resolution: Resolution | None,
    ) -> R:
        """With what it cost, and who could not do it."""
        cost = self.directory.prices.cost(model, result.call.usage, resolution)
        note_spent(result.call.provider, capability, model, result.call.usage, cost)
        call = replace(result.call, fallback_from=tuple(attempts), cost=None if cost is None else str(cost))
        return replace(result, call=call)

    def _failed(
        self, capability: Capability, error: ProviderError, name: str, model: str | None, began: float
    ) -> FailedAttempt:
        """With what it cost all the same, and how long it took."""
        cost = None
        if model and error.usage:
            cost = self.directory.prices.cost(model, error.usage)
            note_spent(name, capability, model, error.usage, cost)
        failed = FailedAttempt(
            name,
            error.code,
            error.message,
            error.request_id,
            model,
            latency_ms=_since(began) if model else None,
            cost=None if cost is None else str(cost),
        )
        _warn(capability, failed)
        return failed

    def _order(self, capability: Capability, provider: str | None, fallback: bool) -> list[str]:
        chain = self.directory.chain(capability)
        order = [provider, *(name for name in chain if name != provider)] if provider else chain
        return order if fallback else order[:1]

    def _model(self, name: str, capability: Capability, wanted: str | None) -> str:
        card = self.directory.cards.get(name)
        if card is None:
            raise ProviderError(ErrorCode.NOT_CONFIGURED, f"{name} is not a provider of this build", name)
        if card.unavailable:
            raise ProviderError(ErrorCode.NOT_CONFIGURED, card.unavailable, name)
        model = card.model_for(capability, wanted) or card.model_for(capability)
        if model is None:
            raise ProviderError(ErrorCode.UNSUPPORTED, f"{name} does not offer {capability}", name)
        return model.name

    def _open(self, name: str) -> Provider:
        if name not in self._opened:
            self._opened[name] = self.directory.cards[name].open()
        return self._opened[name]


def _since(began: float) -> float:
    """Milliseconds."""
    return round((time.perf_counter() - began) * 1000, 1)


def _warn(capability: Capability, failed: FailedAttempt) -> None:
    """Without the message, which may repeat the user's words."""
    told = {
        "capability": capability,
        "provider": failed.provider,
        "model": failed.model,
        "code": failed.code,
        "provider_request_id": failed.request_id,
    }
    log.warning("provider failed", extra=told)

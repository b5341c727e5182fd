"""The chain asks providers in order, and never hides that it had to."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from prometheus_client import REGISTRY

from libs.common.errors import BadGateway, Invalid
from libs.providers.attempts import Asking
from libs.providers.base import (
    Analysis,
    Capability,
    Hints,
    ImageBlob,
    ImageOut,
    ImageProvider,
    ImageRequest,
    ImageResult,
    VisionProvider,
)
from libs.providers.card import Card, Model
from libs.providers.chain import Providers
from libs.providers.deadline import queued
from libs.providers.directory import Directory
from libs.providers.errors import ErrorCode, ProviderError, refusal
from libs.providers.local.provider import LocalProvider
from libs.providers.prices import Price, Prices
from libs.providers.record import CallInfo, Usage
from libs.providers.spec_yaml import MAX_CHARACTERS
from libs.providers.specification import ProductSpec

BOTH = frozenset({Capability.GENERATE, Capability.REMOVE_BACKGROUND})
REQUEST = ImageRequest("on marble")


@dataclass
class Painter:
    """Paints one byte, or fails as it is told to."""

    name: str
    failure: ErrorCode | None = None
    capabilities: frozenset[Capability] = BOTH
    hangs: bool = False
    calls: int = 0
    closed: bool = False

    async def generate(self, request: ImageRequest, model: str) -> ImageResult:
        self.calls += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure:
            raise ProviderError(self.failure, f"{self.name} failed", self.name)
        return ImageResult(ImageOut(b"x", "image/png", 1, 1, "", None), CallInfo(self.name, model, 1.0))

    async def edit(self, request: ImageRequest, model: str) -> ImageResult:
        return await self.generate(request, model)

    async def try_on(self, request: ImageRequest, model: str) -> ImageResult:
        return await self.generate(request, model)

    async def remove_background(self, request: ImageRequest, model: str) -> ImageResult:
        return await self.generate(request, model)

    async def aclose(self) -> None:
        self.closed = True


@dataclass
class Gallery:
    """The cards of some painters, and what was opened."""

    painters: Sequence[Painter]
    opened: list[str] = field(default_factory=list)

    def providers(self, *chain: str) -> Providers:
        cards = {painter.name: self._card(painter) for painter in self.painters}
        return Providers(Directory({Capability.GENERATE: chain}, cards))

    def _card(self, painter: Painter) -> Card:
        def opened() -> Painter:
            self.opened.append(painter.name)
            return painter

        return Card(painter.name, (Model(f"{painter.name}-1", painter.capabilities),), opened)


async def test_the_first_provider_answers_and_the_others_stay_closed() -> None:
    gallery = Gallery([Painter("anna"), Painter("bert")])
    providers = gallery.providers("anna", "bert")
    assert gallery.opened == []
    result = await providers.make(Capability.GENERATE, REQUEST)
    assert result.call.provider == "anna"
    assert result.call.fallback_from == ()
    assert gallery.opened == ["anna"]


@pytest.mark.parametrize(
    "failure",
    [
        ErrorCode.RATE_LIMITED,
        ErrorCode.QUOTA,
        ErrorCode.AUTH,
        ErrorCode.UNAVAILABLE,
        ErrorCode.NO_IMAGE,
        ErrorCode.INVALID,  # what one cannot take, the next one may
    ],
)
async def test_a_fallback_is_recorded(failure: ErrorCode) -> None:
    providers = Gallery([Painter("anna", failure), Painter("bert")]).providers("anna", "bert")
    result = await providers.make(Capability.GENERATE, REQUEST)
    assert result.call.provider == "bert"
    [attempt] = result.call.fallback_from
    assert (attempt.provider, attempt.code, attempt.model) == ("anna", failure, "anna-1")
    assert attempt.latency_ms is not None


class Stumbler(Painter):
    """Was not prepared for what it got."""

    async def generate(self, request: ImageRequest, model: str) -> ImageResult:
        raise KeyError("choices")


async def test_who_stumbles_over_an_answer_has_got_a_bad_one(caplog: pytest.LogCaptureFixture) -> None:
    providers = Gallery([Stumbler("anna"), Painter("bert")]).providers("anna", "bert")
    result = await providers.make(Capability.GENERATE, REQUEST)
    [attempt] = result.call.fallback_from
    assert (attempt.provider, attempt.code) == ("anna", ErrorCode.BAD_RESPONSE)
    assert "choices" not in attempt.message, "users need not read our words for it"
    assert "KeyError" in caplog.text
    with pytest.raises(ProviderError, match="what anna answered cannot be used"):
        await providers.make(Capability.GENERATE, REQUEST, provider="anna", fallback=False)


async def test_who_is_cancelled_is_cancelled() -> None:
    providers = Gallery([Painter("anna", hangs=True)]).providers("anna")
    asking = asyncio.create_task(providers.make(Capability.GENERATE, REQUEST))
    await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_a_refusal_of_the_content_is_not_got_around() -> None:
    bert = Painter("bert")
    providers = Gallery([Painter("anna", ErrorCode.REFUSED), bert]).providers("anna", "bert")
    with pytest.raises(ProviderError) as error:
        await providers.make(Capability.GENERATE, REQUEST)
    assert error.value.code == ErrorCode.REFUSED
    assert [(one.provider, one.code) for one in error.value.attempts] == [("anna", ErrorCode.REFUSED)]
    assert bert.calls == 0


async def test_without_fallback_the_first_failure_is_the_answer() -> None:
    bert = Painter("bert")
    providers = Gallery([Painter("anna", ErrorCode.QUOTA), bert]).providers("anna", "bert")
    with pytest.raises(ProviderError, match="anna failed"):
        await providers.make(Capability.GENERATE, REQUEST, fallback=False)
    assert bert.calls == 0


async def test_the_named_provider_comes_first_then_the_chain() -> None:
    painters = [Painter("anna"), Painter("bert"), Painter("carl", ErrorCode.TIMEOUT)]
    result = (
        await Gallery(painters).providers("anna", "bert").make(Capability.GENERATE, REQUEST, provider="carl")
    )
    assert result.call.provider == "anna"
    assert [attempt.provider for attempt in result.call.fallback_from] == ["carl"]


async def test_a_provider_that_left_the_build_falls_back_too() -> None:
    result = (
        await Gallery([Painter("anna")])
        .providers("anna")
        .make(Capability.GENERATE, REQUEST, provider="openai")
    )
    [attempt] = result.call.fallback_from
    assert (attempt.code, attempt.model, attempt.latency_ms) == (ErrorCode.NOT_CONFIGURED, None, None)


async def test_when_all_fail_the_failure_worth_a_retry_is_raised() -> None:
    painters = [
        Painter("anna", ErrorCode.AUTH),
        Painter("bert", ErrorCode.TIMEOUT),
        Painter("carl", ErrorCode.QUOTA),
    ]
    with pytest.raises(ProviderError) as error:
        await Gallery(painters).providers("anna", "bert", "carl").make(Capability.GENERATE, REQUEST)
    assert error.value.provider == "bert"
    assert error.value.retryable
    assert [(one["provider"], one["model"]) for one in error.value.record] == [
        ("anna", "anna-1"),
        ("bert", "bert-1"),
        ("carl", "carl-1"),
    ]


async def test_an_empty_chain_is_unsupported() -> None:
    with pytest.raises(ProviderError) as error:
        await Gallery([Painter("anna")]).providers().make(Capability.GENERATE, REQUEST)
    assert error.value.code == ErrorCode.UNSUPPORTED


async def test_closing_closes_what_was_opened() -> None:
    anna, bert = Painter("anna"), Painter("bert")
    providers = Gallery([anna, bert]).providers("anna", "bert")
    await providers.make(Capability.GENERATE, REQUEST)
    await providers.aclose()
    assert (anna.closed, bert.closed) == (True, False)


def test_failures_become_refusals_of_the_right_kind() -> None:
    assert isinstance(refusal(ErrorCode.INVALID, "no"), BadGateway)
    assert isinstance(refusal(ErrorCode.REFUSED, "no"), Invalid)
    assert isinstance(refusal(ErrorCode.AUTH, "no"), BadGateway)
    busy = refusal(ErrorCode.RATE_LIMITED, "no", 3)
    assert isinstance(busy, BadGateway)
    assert (busy.code, busy.retry_after) == ("provider_rate_limited", 3)


async def test_a_provider_that_hangs_is_passed_over_in_time() -> None:
    hung = Painter("anna", hangs=True)
    gallery = Gallery([hung, Painter("bert")])
    providers = Providers(gallery.providers("anna", "bert").directory, image_seconds=0.05)
    result = await providers.make(Capability.GENERATE, REQUEST)
    assert [(one.provider, one.code) for one in result.call.fallback_from] == [("anna", ErrorCode.TIMEOUT)]


@pytest.mark.parametrize(("seconds", "code"), [(60, "cancelled"), (0, "timeout")])
async def test_who_was_asked_in_vain_is_known_when_the_job_is_over_before_the_answer(
    seconds: float, code: str
) -> None:
    painters = [Painter("anna", ErrorCode.QUOTA), Painter("bert", hangs=True)]
    asked = Asking(time.monotonic() + 60)
    making = asyncio.create_task(
        Gallery(painters).providers("anna", "bert").make(Capability.GENERATE, REQUEST, asking=asked)
    )
    while not painters[1].calls:
        await asyncio.sleep(0)
    asked.until = time.monotonic() + seconds
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert [(one.provider, one.model, one.code) for one in asked.in_vain] == [
        ("anna", "anna-1", ErrorCode.QUOTA),
        ("bert", "bert-1", code),
    ]
    assert asked.in_vain[1].latency_ms is not None


async def test_slow_ones_leave_the_last_one_its_part_of_the_jobs_time() -> None:
    painters = [Painter("anna", hangs=True), Painter("bert", hangs=True), Painter("carl")]
    asked = Asking(time.monotonic() + 0.4)
    providers = Gallery(painters).providers("anna", "bert", "carl")
    result = await providers.make(Capability.GENERATE, REQUEST, asking=asked)
    assert (result.call.provider, time.monotonic() < asked.until) == ("carl", True)
    first, second = (one.latency_ms or 0 for one in result.call.fallback_from)
    assert 180 < first < 300
    assert 50 < second < first * 0.75


@dataclass
class Queued(Painter):
    """Has its callers wait for their turn."""

    async def generate(self, request: ImageRequest, model: str) -> ImageResult:
        turn = asyncio.Event()
        asyncio.get_running_loop().call_later(0.15, turn.set)
        with queued():
            await turn.wait()
        return await super().generate(request, model)


@pytest.mark.parametrize("hangs", [False, True])
async def test_the_deadline_counts_from_ones_turn(hangs: bool) -> None:
    gallery = Gallery([Queued("anna", hangs=hangs), Painter("bert")])
    providers = Providers(gallery.providers("anna", "bert").directory, image_seconds=0.05)
    result = await providers.make(Capability.GENERATE, REQUEST)
    assert [one.code for one in result.call.fallback_from] == [ErrorCode.TIMEOUT] * hangs


async def test_who_fails_again_and_again_is_not_asked_for_a_while() -> None:
    anna, bert = Painter("anna", ErrorCode.UNAVAILABLE), Painter("bert")
    providers = Gallery([anna, bert]).providers("anna", "bert")
    for _ in range(8):
        result = await providers.make(Capability.GENERATE, REQUEST)
        assert result.call.provider == "bert"
    assert anna.calls == 5
    [attempt] = result.call.fallback_from
    assert "left alone" in attempt.message
    assert (attempt.model, attempt.latency_ms) == (None, None), "it was not asked"


async def test_who_is_left_alone_is_not_counted_as_called() -> None:
    providers = Gallery([Painter("ivan", ErrorCode.UNAVAILABLE), Painter("jana")]).providers("ivan", "jana")
    for _ in range(8):
        await providers.make(Capability.GENERATE, REQUEST)
    labels = {"provider": "ivan", "capability": "image.generate"}
    assert REGISTRY.get_sample_value("vitrine_provider_call_seconds_count", labels) == 5
    assert (
        REGISTRY.get_sample_value(
            "vitrine_provider_calls_total", {**labels, "code": ErrorCode.UNAVAILABLE.value}
        )
        == 5
    )


async def test_calls_are_counted_with_their_end_and_their_cost() -> None:
    def counted(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(f"vitrine_provider_{name}", labels) or 0.0

    names = {"provider": "dora", "capability": "image.generate"}
    gallery = Gallery([Painter("emil", ErrorCode.QUOTA), Painter("dora")])
    directory = replace(
        gallery.providers("emil", "dora").directory,
        prices=Prices(date(2026, 11, 21), {"dora-1": Price(estimate=Decimal("0.25"))}),
    )
    result = await Providers(directory).make(Capability.GENERATE, REQUEST)
    assert result.call.cost == "0.25"
    assert counted("cost_usd_total", **names) == 0.25
    assert counted("calls_total", **names, code="ok") == 1
    assert counted("calls_total", **names | {"provider": "emil"}, code="provider_quota_exhausted") == 1
    assert counted("call_seconds_count", **names) == 1


@dataclass
class Talker(Painter):
    """Counts tokens, also those of a truncated answer."""

    async def generate(self, request: ImageRequest, model: str) -> ImageResult:
        usage = Usage(900, 100, 1000)
        if self.failure:
            raise ProviderError(self.failure, "no", self.name, usage=usage)
        return ImageResult(
            ImageOut(b"x", "image/png", 1, 1, "", None), CallInfo(self.name, model, 1.0, usage=usage)
        )


async def test_tokens_are_counted_by_model_also_those_of_an_answer_of_no_use() -> None:
    talkers = [Talker("fritz", ErrorCode.TRUNCATED), Talker("gerda")]
    await Gallery(talkers).providers("fritz", "gerda").make(Capability.GENERATE, REQUEST)
    for model in ("fritz-1", "gerda-1"):
        for kind, count in (("input", 900), ("output", 100)):
            labels = {"provider": model[:-2], "model": model, "kind": kind}
            assert REGISTRY.get_sample_value("vitrine_provider_tokens_total", labels) == count


@dataclass
class Writer:
    """Writes the same specification for everybody."""

    name: str
    spec: ProductSpec

    async def describe(self, images: Sequence[ImageBlob], hints: Hints, model: str) -> Analysis[ProductSpec]:
        return Analysis(self.spec, CallInfo(self.name, model, 1.0, "req-1", Usage(900, 100, 1000)))

    async def classify(self, image: ImageBlob, labels: Sequence[str], model: str) -> Any:
        raise NotImplementedError

    async def attributes(self, image: ImageBlob, names: Sequence[str], model: str) -> Any:
        raise NotImplementedError

    async def defects(self, image: ImageBlob, model: str) -> Any:
        raise NotImplementedError

    async def aclose(self) -> None:
        pass


def writing(**specs: ProductSpec) -> Providers:
    cards = {
        name: Card(name, (Model(f"{name}-1", frozenset({Capability.DESCRIBE})),), partial(Writer, name, spec))
        for name, spec in specs.items()
    }
    return Providers(Directory({Capability.DESCRIBE: tuple(specs)}, cards))


@pytest.mark.parametrize(
    "spec",
    [
        ProductSpec(title="mug\0"),
        ProductSpec.model_validate({"own": "x" * MAX_CHARACTERS}),
        ProductSpec.model_validate({"own": 1e300}),
    ],
    ids=["NUL", "a book", "a number that is read as a word"],
)
async def test_a_specification_that_nobody_could_read_back_is_a_bad_response(spec: ProductSpec) -> None:
    described = await writing(anna=spec, bert=ProductSpec(title="Mug")).describe([], Hints())
    assert (described.value.title, described.call.provider) == ("Mug", "bert")
    [attempt] = described.call.fallback_from
    assert (attempt.code, attempt.request_id) == (ErrorCode.BAD_RESPONSE, "req-1")


async def test_what_the_user_has_stated_wins() -> None:
    described = await writing(anna=ProductSpec(title="a cup")).describe([], Hints(title="My mug"))
    assert described.value.title == "My mug"


def test_the_local_provider_speaks_both_protocols() -> None:
    provider = LocalProvider()
    assert isinstance(provider, VisionProvider)
    assert isinstance(provider, ImageProvider)


async def test_it_says_that_it_cannot_classify() -> None:
    with pytest.raises(ProviderError) as error:
        await LocalProvider().classify(ImageBlob(b"", "image/png", 1, 1), ["mug"])
    assert error.value.code == ErrorCode.UNSUPPORTED
    with pytest.raises(ProviderError):
        await LocalProvider().describe([], Hints())

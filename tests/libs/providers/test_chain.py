"""The chain asks providers in order, and never hides that it had to."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from libs.common.errors import BadGateway, Invalid, Unavailable
from libs.providers.base import (
    CallInfo,
    Capability,
    ErrorCode,
    Hints,
    ImageBlob,
    ImageOut,
    ImageProvider,
    ImageRequest,
    ImageResult,
    ProviderError,
    VisionProvider,
)
from libs.providers.chain import Choice, Providers
from libs.providers.local.provider import LocalProvider
from libs.providers.registry import Card

BOTH = frozenset({Capability.GENERATE, Capability.REMOVE_BACKGROUND})
REQUEST = ImageRequest("on marble")


@dataclass
class Painter:
    """Paints one byte, or fails as it is told to."""

    name: str
    failure: ErrorCode | None = None
    capabilities: frozenset[Capability] = BOTH
    calls: int = 0
    closed: bool = False

    async def generate(self, request: ImageRequest) -> ImageResult:
        self.calls += 1
        if self.failure:
            raise ProviderError(self.failure, f"{self.name} failed", self.name)
        return ImageResult(ImageOut(b"x", "image/png", 1, 1), CallInfo(self.name, f"{self.name}-1", 1.0))

    async def remove_background(self, image: ImageBlob) -> ImageResult:
        return await self.generate(REQUEST)

    async def aclose(self) -> None:
        self.closed = True


@dataclass
class Gallery:
    """The cards of some painters, and what was opened."""

    painters: Sequence[Painter]
    opened: list[str] = field(default_factory=list)

    def providers(self, *chain: str) -> Providers:
        cards = {painter.name: self._card(painter) for painter in self.painters}
        return Providers({Capability.GENERATE: chain}, cards)

    def _card(self, painter: Painter) -> Card:
        def opened() -> Painter:
            self.opened.append(painter.name)
            return painter

        return Card(painter.name, f"{painter.name}-1", painter.capabilities, opened)


async def test_the_first_provider_answers_and_the_others_stay_closed() -> None:
    gallery = Gallery([Painter("anna"), Painter("bert")])
    providers = gallery.providers("anna", "bert")
    assert gallery.opened == []
    result = await providers.generate(REQUEST)
    assert result.call.provider == "anna"
    assert result.call.fallback_from == ()
    assert gallery.opened == ["anna"]


@pytest.mark.parametrize(
    "failure",
    [ErrorCode.RATE_LIMITED, ErrorCode.QUOTA, ErrorCode.AUTH, ErrorCode.UNAVAILABLE, ErrorCode.NO_IMAGE],
)
async def test_a_fallback_is_recorded(failure: ErrorCode) -> None:
    providers = Gallery([Painter("anna", failure), Painter("bert")]).providers("anna", "bert")
    result = await providers.generate(REQUEST)
    assert result.call.provider == "bert"
    assert [(attempt.provider, attempt.code) for attempt in result.call.fallback_from] == [("anna", failure)]


@pytest.mark.parametrize("failure", [ErrorCode.REFUSED, ErrorCode.INVALID])
async def test_a_refusal_of_the_content_is_not_got_around(failure: ErrorCode) -> None:
    bert = Painter("bert")
    providers = Gallery([Painter("anna", failure), bert]).providers("anna", "bert")
    with pytest.raises(ProviderError) as error:
        await providers.generate(REQUEST)
    assert error.value.code == failure
    assert bert.calls == 0


async def test_without_fallback_the_first_failure_is_the_answer() -> None:
    bert = Painter("bert")
    providers = Gallery([Painter("anna", ErrorCode.QUOTA), bert]).providers("anna", "bert")
    with pytest.raises(ProviderError, match="anna failed"):
        await providers.generate(REQUEST, fallback=False)
    assert bert.calls == 0


async def test_the_named_provider_comes_first_then_the_chain() -> None:
    painters = [Painter("anna"), Painter("bert"), Painter("carl", ErrorCode.TIMEOUT)]
    result = await Gallery(painters).providers("anna", "bert").generate(REQUEST, provider="carl")
    assert result.call.provider == "anna"
    assert [attempt.provider for attempt in result.call.fallback_from] == ["carl"]


async def test_a_provider_that_left_the_build_falls_back_too() -> None:
    result = await Gallery([Painter("anna")]).providers("anna").generate(REQUEST, provider="openai")
    assert [attempt.code for attempt in result.call.fallback_from] == [ErrorCode.NOT_CONFIGURED]


async def test_when_all_fail_the_failure_worth_a_retry_is_raised() -> None:
    painters = [
        Painter("anna", ErrorCode.AUTH),
        Painter("bert", ErrorCode.TIMEOUT),
        Painter("carl", ErrorCode.QUOTA),
    ]
    with pytest.raises(ProviderError) as error:
        await Gallery(painters).providers("anna", "bert", "carl").generate(REQUEST)
    assert error.value.provider == "bert"
    assert error.value.retryable


async def test_an_empty_chain_is_unsupported() -> None:
    with pytest.raises(ProviderError) as error:
        await Gallery([Painter("anna")]).providers().generate(REQUEST)
    assert error.value.code == ErrorCode.UNSUPPORTED


async def test_closing_closes_what_was_opened() -> None:
    anna, bert = Painter("anna"), Painter("bert")
    providers = Gallery([anna, bert]).providers("anna", "bert")
    await providers.generate(REQUEST)
    await providers.aclose()
    assert (anna.closed, bert.closed) == (True, False)


def test_a_chain_of_unknown_names_does_not_start() -> None:
    with pytest.raises(ValueError, match="no such provider: gemini"):
        Providers.from_settings({"providers_image_generate": "gemini, local"})


def test_chains_come_from_settings_and_default_to_local() -> None:
    providers = Providers.from_settings({"providers_image_generate": " local ,"})
    assert providers.chains[Capability.GENERATE] == ("local",)
    assert providers.chains[Capability.DESCRIBE] == ("local",)


def test_choosing_pins_a_provider_and_its_model() -> None:
    gallery = Gallery([Painter("anna"), Painter("bert")])
    providers = gallery.providers("anna", "bert")
    assert providers.choose(Capability.GENERATE) == Choice("anna", "anna-1")
    assert providers.choose(Capability.GENERATE, provider="bert") == Choice("bert", "bert-1")
    assert providers.choose(Capability.GENERATE, model="bert-1") == Choice("bert", "bert-1")
    assert gallery.opened == []


def test_a_model_of_a_provider_that_is_not_here_is_replaced_openly_or_not_at_all() -> None:
    providers = Gallery([Painter("anna")]).providers("anna")
    choice = providers.choose(Capability.GENERATE, model="gemini-3-pro-image-preview")
    assert choice == Choice("anna", "anna-1", fallback_from="gemini")
    with pytest.raises(BadGateway) as error:
        providers.choose(Capability.GENERATE, provider="openai", fallback=False)
    assert error.value.code == ErrorCode.NOT_CONFIGURED


@pytest.mark.parametrize(
    ("wanted", "code"),
    [({"provider": "dali"}, "unknown_provider"), ({"model": "dali-9"}, "unknown_model")],
)
def test_an_unknown_wish_is_invalid(wanted: dict[str, str], code: str) -> None:
    providers = Gallery([Painter("anna")]).providers("anna")
    with pytest.raises(Invalid) as error:
        providers.choose(Capability.GENERATE, **wanted)  # type: ignore[arg-type]
    assert error.value.code == code


def test_a_capability_nobody_offers_is_invalid() -> None:
    with pytest.raises(Invalid) as error:
        Providers.from_settings({}).choose(Capability.TRY_ON)
    assert error.value.code == ErrorCode.UNSUPPORTED


def test_the_model_list_says_what_answers_and_what_does_not() -> None:
    answer = Providers.from_settings({}).models()
    assert answer["capabilities"]["image.generate"] == ["local"]
    assert answer["capabilities"]["vision.classify"] == []
    by_name = {model["model"]: model for model in answer["models"]}
    assert by_name["classical/1"]["deterministic"]
    assert by_name["classical/1"]["unit_cost"] == {"amount": "0", "currency": "USD"}
    assert not by_name["gpt-5.2-2025-12-11"]["available"]


def test_failures_become_refusals_of_the_right_kind() -> None:
    def refusal(code: ErrorCode) -> Exception:
        return ProviderError(code, "no", "anna", retry_after=3).as_domain_error()

    assert isinstance(refusal(ErrorCode.INVALID), Invalid)
    assert isinstance(refusal(ErrorCode.AUTH), BadGateway)
    busy = refusal(ErrorCode.RATE_LIMITED)
    assert isinstance(busy, Unavailable)
    assert (busy.code, busy.retry_after) == ("provider_rate_limited", 3)


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

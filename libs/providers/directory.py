"""Who can be asked for what here, with which model, and what it will cost. Opens and asks nobody."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Self

from libs.common.errors import BadGateway, Invalid
from libs.providers.base import Capability, Resolution
from libs.providers.card import Card
from libs.providers.errors import ErrorCode
from libs.providers.prices import Prices, load_prices
from libs.providers.registry import cards, model_list
from libs.providers.settings import ProviderSettings


@dataclass(frozen=True, slots=True)
class Choice:
    """Who will do the work, to be pinned when the work is accepted."""

    provider: str
    model: str
    fallback_from: str | None = None
    """The provider that was asked for by name or model and cannot be asked here."""


@dataclass(frozen=True, slots=True)
class Directory:
    """`chains`: the names of each capability's providers, best first. Raises ValueError for unknown names."""

    chains: Mapping[Capability, tuple[str, ...]]
    cards: Mapping[str, Card]
    prices: Prices = field(default_factory=load_prices)

    def __post_init__(self) -> None:
        unknown = {name for chain in self.chains.values() for name in chain} - self.cards.keys()
        if unknown:
            there_are = ", ".join(self.cards)
            raise ValueError(f"no such provider: {', '.join(sorted(unknown))}; there are: {there_are}")

    @classmethod
    def from_settings(cls, settings: ProviderSettings) -> Self:
        chains = {capability: settings.chain(capability) for capability in Capability}
        return cls(chains, cards(settings), load_prices(settings.providers_prices_file))

    def chain(self, capability: Capability) -> list[str]:
        """Without the configured providers that do not offer it or cannot be asked."""
        return [
            name
            for name in self.chains.get(capability, ())
            if capability in self.cards[name].capabilities and not self.cards[name].unavailable
        ]

    def models(self) -> dict[str, Any]:
        """The answer of `GET /models`; a capability without providers is not offered by this installation."""
        return {
            "models": model_list(self.cards, self.prices),
            "capabilities": {capability.value: self.chain(capability) for capability in Capability},
            "prices_of": self.prices.date.isoformat(),
        }

    def expected_cost(self, choice: Choice, resolution: Resolution | None = None) -> Decimal | None:
        """Of one call, in US dollars; None is unknown. What a model does not make is not what it would cost."""
        named = (model for model in self.cards[choice.provider].models if model.name == choice.model)
        made = next((model.limits.get("resolutions", ()) for model in named), ())
        if made and resolution and resolution not in made:
            resolution = made[-1]
        return self.prices.expected(choice.model, resolution)

    def choose(
        self,
        capability: Capability,
        *,
        provider: str | None = None,
        model: str | None = None,
        fallback: bool = True,
    ) -> Choice:
        """Who will do it, by name, by model, or the chain's first.

        Raises `Invalid` (unknown_provider, unknown_model, unsupported_capability) and, when the wanted one
        cannot be asked here and `fallback` is off, `BadGateway` (provider_not_configured).
        """
        wanted = self._wanted(provider, model)
        if wanted is None:
            return self._first(capability)
        if wanted.unavailable is None:
            return self._of(wanted, capability, model)
        if not fallback:
            raise BadGateway(f"{wanted.name}: {wanted.unavailable}", code=ErrorCode.NOT_CONFIGURED)
        return replace(self._first(capability), fallback_from=wanted.name)

    def _wanted(self, provider: str | None, model: str | None) -> Card | None:
        if provider is not None and provider not in self.cards:
            raise Invalid(f"no such provider: {provider}", code="unknown_provider")
        named = [self.cards[provider]] if provider else list(self.cards.values())
        if model is None:
            return named[0] if provider else None
        for card in named:
            if card.knows(model):
                return card
        text = f"{provider} has no model {model}" if provider else f"no provider has a model {model}"
        raise Invalid(text, code="unknown_model")

    def _first(self, capability: Capability) -> Choice:
        for name in self.chain(capability):
            return self._of(self.cards[name], capability)
        raise Invalid(f"no provider offers {capability}", code=ErrorCode.UNSUPPORTED)

    def _of(self, card: Card, capability: Capability, wanted: str | None = None) -> Choice:
        model = card.model_for(capability, wanted)
        if model is None:
            raise Invalid(f"{wanted or card.name} does not offer {capability}", code=ErrorCode.UNSUPPORTED)
        return Choice(card.name, model.name)

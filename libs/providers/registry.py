"""The providers of this build. Adding one = its package and one line in `cards`.

A provider's module is cheap to import: OpenCV and the SDKs are imported only where they are used.
"""

from collections.abc import Mapping
from typing import Any

from libs.providers.card import Card, Model
from libs.providers.gemini import card as gemini
from libs.providers.local import card as local
from libs.providers.openai import card as openai
from libs.providers.prices import CURRENCY, Price, Prices
from libs.providers.settings import ProviderSettings


def cards(settings: ProviderSettings) -> dict[str, Card]:
    """Every provider by its name, whether it can be asked here or not."""
    known = (openai.card(settings), gemini.card(settings), local.CARD)
    return {card.name: card for card in known}


def model_list(cards: Mapping[str, Card], prices: Prices) -> list[dict[str, Any]]:
    """What `GET /models` lists."""
    return [_model(card, model, prices) for card in cards.values() for model in card.models]


def _model(card: Card, model: Model, prices: Prices) -> dict[str, Any]:
    return {
        "model": model.name,
        "provider": card.name,
        "available": card.unavailable is None,
        "reason": card.unavailable,
        "capabilities": sorted(capability.value for capability in model.capabilities),
        "tier": model.tier,
        "aliases": list(model.aliases),
        "deterministic": card.deterministic,
        "limits": dict(model.limits),
        "unit_cost": _unit_cost(prices.models.get(model.name)),
    }


def _unit_cost(price: Price | None) -> dict[str, Any] | None:
    """Of a typical call; the smallest picture's, and each resolution's. None is unknown."""
    if price is None:
        return None
    cost: dict[str, Any] = {"amount": str(price.expected()), "currency": CURRENCY}
    if isinstance(price.estimate, Mapping):
        cost["by_resolution"] = {name: str(amount) for name, amount in price.estimate.items()}
    return cost

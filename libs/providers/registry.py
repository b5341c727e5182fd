"""The providers of this build. Adding one = its module and one line in `CARDS`.

A provider's module is cheap to import: OpenCV and the SDKs are imported only where they are used.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from libs.providers.base import Capability, ImageProvider, VisionProvider
from libs.providers.local.provider import CAPABILITIES, LIMITS, MODEL, LocalProvider

Provider = VisionProvider | ImageProvider


@dataclass(frozen=True, slots=True)
class Card:
    """A provider before it is opened: what `GET /models` says about it."""

    name: str
    model: str
    capabilities: frozenset[Capability]
    open: Callable[[], Provider]
    """Raises `ProviderError` (not_configured) without its key."""
    deterministic: bool = False
    unit_cost: str = "0"
    """US dollars per picture or description, as a decimal."""
    limits: Mapping[str, Any] = field(default_factory=dict)


CARDS: Mapping[str, Card] = {
    card.name: card
    for card in (Card("local", MODEL, CAPABILITIES, LocalProvider, deterministic=True, limits=LIMITS),)
}

MODEL_NAMES: Mapping[str, str] = {
    "gpt-5.2-2025-12-11": "openai",
    "gemini-3-pro-image-preview": "gemini",
    "gemini-1.5-pro": "gemini",
    "nano-banana": "gemini",
}
"""Model names that clients of the replaced backends send, and whose they are."""


def model_list(cards: Mapping[str, Card]) -> list[dict[str, Any]]:
    """What `GET /models` lists: the models that answer, then the known names that nobody answers for here."""
    known = [
        {
            "model": name,
            "provider": owner,
            "available": False,
            "reason": f"{owner} is not a provider of this build",
        }
        for name, owner in MODEL_NAMES.items()
        if owner not in cards
    ]
    return [_model(card) for card in cards.values()] + known


def _model(card: Card) -> dict[str, Any]:
    return {
        "model": card.model,
        "provider": card.name,
        "available": True,
        "capabilities": sorted(capability.value for capability in card.capabilities),
        "deterministic": card.deterministic,
        "unit_cost": {"amount": card.unit_cost, "currency": "USD"},
        "limits": dict(card.limits),
        "aliases": [name for name, owner in MODEL_NAMES.items() if owner == card.name],
    }

"""What pictures are expected to cost, before anybody is asked for them."""

from typing import Any, Literal

from pydantic import BaseModel

from libs.providers.base import Resolution
from libs.providers.directory import Choice, Directory
from libs.providers.prices import CURRENCY


class CostBody(BaseModel):
    """Who would do it, and what it would cost; null is unknown."""

    dry_run: Literal[True]
    provider: str
    model: str
    provider_fallback_from: str | None
    count: int
    unit_cost: str | None
    estimated_cost: str | None
    currency: str


def cost_of(directory: Directory, choice: Choice, count: int, resolution: Resolution) -> dict[str, Any]:
    """A `CostBody`."""
    cost = directory.expected_cost(choice, resolution)
    return {
        "dry_run": True,
        "provider": choice.provider,
        "model": choice.model,
        "provider_fallback_from": choice.fallback_from,
        "count": count,
        "unit_cost": None if cost is None else str(cost),
        "estimated_cost": None if cost is None else str(cost * count),
        "currency": CURRENCY,
    }

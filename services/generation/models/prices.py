"""What a picture costs."""

from decimal import Decimal

from libs.providers.chain import Providers

CURRENCY = "USD"


def unit_cost(providers: Providers, provider: str) -> Decimal:
    """One picture of that provider, in US dollars."""
    costs = {
        model["provider"]: model["unit_cost"]["amount"]
        for model in providers.models()["models"]
        if "unit_cost" in model
    }
    return Decimal(costs[provider])

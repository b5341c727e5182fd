"""What calls cost: a dated table of prices, the cost of a call by its tokens, and an estimate before it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, get_args

import pydantic
import yaml

from libs.providers.base import Resolution
from libs.providers.record import Usage

CURRENCY = "USD"
MILLION = 1_000_000

Dollars = Annotated[Decimal, pydantic.BeforeValidator(str), pydantic.Field(ge=0)]


class Price(pydantic.BaseModel):
    """US dollars per million tokens; without a price of their own, cached and image tokens cost as others do."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    input: Dollars = Decimal(0)
    cached_input: Dollars | None = None
    image_input: Dollars | None = None
    output: Dollars = Decimal(0)
    image_output: Dollars | None = None
    estimate: Dollars | Mapping[Resolution, Dollars] = Decimal(0)
    """A typical call, or a typical picture by its resolution."""

    @pydantic.field_validator("estimate")
    @classmethod
    def _of_every_resolution(
        cls, estimate: Decimal | Mapping[Resolution, Decimal]
    ) -> Decimal | Mapping[Resolution, Decimal]:
        if isinstance(estimate, Mapping) and (missing := set(get_args(Resolution)) - estimate.keys()):
            raise ValueError(f"no estimate for {', '.join(sorted(missing))}")
        return estimate

    def of_tokens(self, usage: Usage) -> Decimal:
        """Of a call whose tokens the provider has counted."""
        plain_input = max(0, (usage.input_tokens or 0) - usage.cached_input_tokens - usage.image_input_tokens)
        plain_output = max(0, (usage.output_tokens or 0) - usage.image_output_tokens)
        millionths = (
            plain_input * self.input
            + usage.cached_input_tokens * _or(self.cached_input, self.input)
            + usage.image_input_tokens * _or(self.image_input, self.input)
            + plain_output * self.output
            + usage.image_output_tokens * _or(self.image_output, self.output)
        )
        return millionths / MILLION

    def expected(self, resolution: Resolution | None = None) -> Decimal:
        """Of one call before it is made; without a resolution, of the smallest picture."""
        if isinstance(self.estimate, Decimal):
            return self.estimate
        return self.estimate[resolution] if resolution else min(self.estimate.values())


def _or(price: Decimal | None, otherwise: Decimal) -> Decimal:
    return otherwise if price is None else price


@dataclass(frozen=True, slots=True)
class Prices:
    """`models` by name. A model that is not listed has no price, which is not the same as being free."""

    date: date
    models: Mapping[str, Price]

    def cost(self, model: str, usage: Usage, resolution: Resolution | None = None) -> Decimal | None:
        """Of a call that was made: by its tokens, or what is expected of one that nobody counted."""
        price = self.models.get(model)
        if price is None:
            return None
        if usage.input_tokens is None and usage.output_tokens is None:
            return price.expected(resolution)
        return price.of_tokens(usage)

    def expected(self, model: str, resolution: Resolution | None = None) -> Decimal | None:
        price = self.models.get(model)
        return price.expected(resolution) if price else None


class _File(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    date: date
    models: dict[str, Price]


@cache
def load_prices(path: str | None = None) -> Prices:
    """The table of this build, or a file of the installation's own. Raises OSError and ValueError."""
    text = Path(path).read_text() if path else files(__package__).joinpath("prices.yaml").read_text()
    try:
        read = _File.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is no YAML: {error}") from error
    return Prices(read.date, read.models)

"""Numbers, dates and words that no provider should send."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from libs.providers.errors import ErrorCode, ProviderError, told_wait
from libs.providers.prices import Price, load_prices
from libs.providers.record import Usage, counted


@pytest.mark.parametrize(
    ("told", "number"), [(900, 900), (2.0, 2), (-5, None), ("900", None), ({}, None), (1e300, None)]
)
def test_only_numbers_count(told: object, number: int | None) -> None:
    assert counted(told) == number


def test_nothing_costs_less_than_nothing() -> None:
    price = Price(input=Decimal(1), output=Decimal(1), cached_input=Decimal("0.5"))
    more_cached_than_read = Usage(10, 0, 10, cached_input_tokens=20)
    assert price.of_tokens(more_cached_than_read) == Decimal("0.00001")


@pytest.mark.parametrize("year", ["999999999", "9" * 20])
def test_a_wait_until_a_year_that_no_clock_has_is_none(year: str) -> None:
    assert told_wait(f"Fri, 31 Dec {year} 23:59:59 GMT") is None


def test_what_cannot_be_stored_is_replaced() -> None:
    assert str(ProviderError(ErrorCode.REFUSED, "no\0, \ud800", "painter")) == "no\ufffd, ?"


@pytest.mark.parametrize(
    "text",
    [
        "date: 2026-11-21\nmodels: {m: {estimate: {1K: 0.1}}}",
        "date: 2026-11-21\nmodels: {}\ncurrency: EUR",
        "date: [",
    ],
    ids=["two resolutions missing", "unknown key", "no YAML"],
)
def test_a_price_table_in_another_form_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text(text)
    with pytest.raises(ValueError):  # noqa: PT011  pydantic's own words
        load_prices(str(file))


def test_the_price_table_of_this_build_has_that_form() -> None:
    assert load_prices().date > date(2026, 1, 1)

"""Numbers, dates and words that no provider should send."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from libs.providers.answers import PromptsAnswer, SpecificationAnswer
from libs.providers.errors import ErrorCode, ProviderError, cut, named, told_wait
from libs.providers.prices import Price, load_prices
from libs.providers.record import Usage, counted, counts, passed_over
from tests.peers.stub import example


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


def test_of_what_is_said_as_much_is_kept_as_can_be() -> None:
    assert cut("a mug") == "a mug"
    assert cut("x" * 500) == "x" * 500
    assert cut("\0" * 501) == "\ufffd" * 499 + "…"
    error = ProviderError(ErrorCode.REFUSED, "x" * 10**6, "painter", request_id="r" * 999, reason="\0")
    assert (len(str(error)), len(error.request_id or ""), error.reason) == (500, 200, "\ufffd")
    assert PromptsAnswer(prompts=["x" * 9_000]).first(1) == ("x" * 3_999 + "…",)


@pytest.mark.parametrize(
    ("told", "name"), [("gpt", "gpt"), ("", None), (None, None), (5, None), (["gpt"], None), ({}, None)]
)
def test_only_words_name_anything(told: object, name: str | None) -> None:
    assert named(told) == name


@pytest.mark.parametrize(
    "told", [None, [5], "5", {1: 2}, {"a": "x" * 9_000}, {"a": "\0"}, {"a": "\ud800"}, {"a": 2**70}]
)
def test_an_account_that_cannot_be_kept_is_none(told: object) -> None:
    assert counts(told) == {}


def test_an_account_is_kept_as_json() -> None:
    assert counts({"tokens": 5, "of": [{"text": 3}], "odd": float("nan")}) == {
        "tokens": 5,
        "of": [{"text": 3}],
        "odd": None,
    }


def test_a_fallback_is_one_from_whoever_was_asked_first() -> None:
    assert passed_over("local", None, "gemini", "gemini", "openai") == "gemini"
    assert passed_over("local", "openai", "gemini", "gemini") == "openai", (
        "who cannot be asked here comes first"
    )
    assert passed_over("gemini", None, "gemini", "gemini", "local") is None, (
        "in another attempt it could do it"
    )
    assert passed_over("local", None, None) is None


@pytest.mark.parametrize(
    "odd",
    [{"title": "mug\0"}, {"title": "x" * 20_000}, {"features": {"items": [""] * 6_000, "confidence": 1}}],
    ids=["NUL", "a book", "thousands of features"],
)
def test_a_specification_that_nobody_could_keep_is_none(odd: dict[str, object]) -> None:
    answer = SpecificationAnswer.model_validate(example(SpecificationAnswer.model_json_schema()) | odd)
    with pytest.raises(ValueError, match="specification"):
        answer.specification("painter")


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

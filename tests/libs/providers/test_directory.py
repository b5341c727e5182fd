"""Who is asked by default, by name and by model, and what `GET /models` tells."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from libs.common.errors import BadGateway, Invalid
from libs.providers.base import RESOLUTIONS, Capability
from libs.providers.card import Card, Model, Provider
from libs.providers.directory import Choice, Directory
from libs.providers.errors import ErrorCode
from libs.providers.local.provider import LocalProvider
from libs.providers.prices import Price, load_prices
from libs.providers.record import Usage
from libs.providers.settings import ProviderSettings

GENERATE, DESCRIBE = Capability.GENERATE, Capability.DESCRIBE
PAINTS = frozenset({GENERATE})


def card(name: str, unavailable: str | None = None) -> Card:
    """Paints with two models, describes with a third."""

    def opened() -> Provider:
        return LocalProvider()

    models = (
        Model(f"{name}-sees", frozenset({DESCRIBE})),
        Model(f"{name}-1", PAINTS, aliases=(f"{name}-old",)),
        Model(f"{name}-2", PAINTS, "quality"),
    )
    return Card(name, models, opened, unavailable)


def directory(*cards: Card) -> Directory:
    by_name = {card.name: card for card in cards}
    return Directory({GENERATE: tuple(by_name), DESCRIBE: tuple(by_name)}, by_name)


ANNA, BERT = card("anna"), card("bert", "BERT_API_KEY is not set")


def test_the_first_that_can_be_asked_is_chosen_with_its_default_model() -> None:
    assert directory(ANNA, card("carl")).choose(GENERATE) == Choice("anna", "anna-1")
    assert directory(ANNA).choose(DESCRIBE) == Choice("anna", "anna-sees")
    assert directory(BERT, ANNA).choose(GENERATE) == Choice("anna", "anna-1")
    assert directory(BERT, ANNA).chain(GENERATE) == ["anna"]


@pytest.mark.parametrize("wanted", ["carl-2", "carl-1", "carl-old", "Carl Old"])
def test_a_model_is_chosen_by_its_name_or_an_alias(wanted: str) -> None:
    chosen = directory(ANNA, card("carl")).choose(GENERATE, model=wanted)
    assert chosen == Choice("carl", "carl-2" if wanted == "carl-2" else "carl-1")
    assert directory(ANNA, card("carl")).choose(GENERATE, provider="carl", model=wanted) == chosen


def test_who_cannot_be_asked_is_replaced_openly_or_not_at_all() -> None:
    for wanted in ({"provider": "bert"}, {"model": "bert-old"}):
        choice = directory(BERT, ANNA).choose(GENERATE, **wanted)  # type: ignore[arg-type]
        assert choice == Choice("anna", "anna-1", fallback_from="bert")
        with pytest.raises(BadGateway, match="BERT_API_KEY is not set") as error:
            directory(BERT, ANNA).choose(GENERATE, fallback=False, **wanted)
        assert error.value.code == ErrorCode.NOT_CONFIGURED


@pytest.mark.parametrize(
    ("wanted", "code", "words"),
    [
        ({"provider": "dali"}, "unknown_provider", "no such provider: dali"),
        ({"model": "dali-9"}, "unknown_model", "no provider has a model dali-9"),
        ({"provider": "anna", "model": "carl-1"}, "unknown_model", "anna has no model carl-1"),
        ({"model": "anna-sees"}, ErrorCode.UNSUPPORTED, "anna-sees does not offer image.generate"),
    ],
)
def test_a_wish_that_cannot_be_met_is_invalid(wanted: dict[str, str], code: str, words: str) -> None:
    with pytest.raises(Invalid, match=words) as error:
        directory(ANNA, card("carl")).choose(GENERATE, **wanted)  # type: ignore[arg-type]
    assert error.value.code == code


def test_a_capability_nobody_offers_is_invalid() -> None:
    with pytest.raises(Invalid) as error:
        directory(ANNA).choose(Capability.TRY_ON)
    assert error.value.code == ErrorCode.UNSUPPORTED


def test_with_a_chain_of_unknown_names_or_a_strange_price_table_no_process_starts(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such provider: dali; there are: openai, gemini, local") as error:
        ProviderSettings(openai_api_key="sk-secret", providers_image_generate="dali, local")
    assert "sk-secret" not in str(error.value)
    table = tmp_path / "prices.yaml"
    table.write_text("models: {}\n")
    with pytest.raises(ValueError, match=r"date\s+Field required"):
        ProviderSettings(providers_prices_file=str(table))


def test_a_style_that_there_is_not_stops_the_process_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_STYLE", "completions")
    with pytest.raises(ValueError, match="OPENAI_API_STYLE is 'completions', and may be responses or chat"):
        ProviderSettings()


def test_line_breaks_around_what_files_of_secrets_hold_are_no_part_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://x/v1", "OPENAI_API_STYLE": "chat"}
    for name, value in values.items():
        monkeypatch.setenv(name, f" {value}\r\n")
    monkeypatch.setenv("GEMINI_API_KEY", "\n")
    read = ProviderSettings()
    assert [getattr(read, name.lower()) for name in values] == list(values.values())
    assert read.gemini_api_key is None


def test_chains_come_from_settings_and_end_with_local_where_there_is_no_key() -> None:
    here = Directory.from_settings(ProviderSettings(providers_image_generate=" local ,"))
    assert here.chains[GENERATE] == ("local",)
    assert here.chains[DESCRIBE] == ("openai", "gemini", "local")
    assert here.chain(DESCRIBE) == ["local"]


def test_a_key_in_the_environment_makes_its_provider_the_first_of_its_chains(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("PROVIDERS_IMAGE_GENERATE", "openai,local")
    monkeypatch.setenv("OPENAI_IMAGE_MODEL", "gpt-image-9")
    here = Directory.from_settings(ProviderSettings())
    assert here.choose(GENERATE) == Choice("openai", "gpt-image-9")
    assert here.choose(DESCRIBE) == Choice("openai", "gpt-6.1-terra")
    assert here.choose(DESCRIBE, model="gpt-5.2-2025-12-11") == Choice("openai", "gpt-6.1-terra")


def test_the_model_list_says_what_answers_and_what_does_not() -> None:
    answer = Directory.from_settings(ProviderSettings()).models()
    assert answer["capabilities"]["image.generate"] == ["local"]
    assert answer["capabilities"]["vision.classify"] == []
    assert answer["prices_of"] == load_prices().date.isoformat()
    by_name = {model["model"]: model for model in answer["models"]}
    assert by_name["classical/1"]["deterministic"]
    assert by_name["classical/1"]["unit_cost"] == {"amount": "0", "currency": "USD"}
    openai = by_name["gpt-image-2.6-flare"]
    assert not openai["available"]
    assert openai["reason"]
    assert openai["unit_cost"]["by_resolution"].keys() == {"1K", "2K", "4K"}


@pytest.mark.parametrize(
    ("name", "capability", "model"),
    [
        ("gpt-5.2-2025-12-11", DESCRIBE, "gpt-6.1-terra"),
        ("anthropic.claude-3-5-sonnet", DESCRIBE, "gpt-6.1-terra"),
        ("Gemini 2.5 Pro", Capability.PROMPTS, "gemini-3.8-flash"),
        ("gemini-1.5-pro", DESCRIBE, "gemini-3.8-flash"),
        ("Gemini-1.5-pro", Capability.TRY_ON, "gemini-3.1-flash-image"),
        ("Nano Banana", Capability.EDIT, "gemini-3.1-flash-image"),
        ("Seedream", GENERATE, "gemini-3.1-flash-image"),
        ("gemini-3-pro-image-preview", GENERATE, "gemini-3-pro-image"),
    ],
)
def test_names_that_clients_of_earlier_systems_send_are_known(
    name: str, capability: Capability, model: str
) -> None:
    here = Directory.from_settings(ProviderSettings(openai_api_key="k", gemini_api_key="k"))
    assert here.choose(capability, model=name, fallback=False).model == model


def test_nothing_heavy_is_imported_before_a_provider_is_opened() -> None:
    heavy = "{'openai', 'google.genai', 'cv2', 'PIL', 'numpy'}"
    program = f"import sys, libs.providers.chain; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_installation_may_have_prices_of_its_own(tmp_path: Path) -> None:
    table = tmp_path / "prices.yaml"
    table.write_text("date: 2027-01-31\nmodels:\n  gpt-6.1-terra: {input: 2.5, estimate: 0.02}\n")
    here = Directory.from_settings(ProviderSettings(providers_prices_file=str(table)))
    assert here.models()["prices_of"] == "2027-01-31"
    assert here.prices.cost("gpt-6.1-terra", Usage(1_000_000, 1_000)) == Decimal("2.5")
    assert here.expected_cost(Choice("openai", "gpt-image-2.6-flare"), "1K") is None
    table.write_text("date: 2027-01-31\nmodels:\n  gpt-6.1-terra: {input: -1}\n")
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        load_prices.__wrapped__(str(table))


@pytest.mark.parametrize(
    ("model", "costs"),
    [
        ("gemini-3.1-flash-image", ("0.067", "0.101", "0.151")),
        ("gemini-3-pro-image", ("0.134", "0.134", "0.24")),
        ("gemini-3.1-flash-lite-image", ("0.034", "0.034", "0.034")),
    ],
)
def test_a_picture_of_geminis_is_expected_to_cost_what_the_table_says_of_its_resolution(
    model: str, costs: tuple[str, ...]
) -> None:
    here = Directory.from_settings(ProviderSettings(gemini_api_key="k"))
    choice = here.choose(Capability.GENERATE, provider="gemini", model=model)
    assert tuple(str(here.expected_cost(choice, resolution)) for resolution in RESOLUTIONS) == costs


def test_who_makes_only_small_pictures_is_expected_to_cost_what_those_do(tmp_path: Path) -> None:
    table, model = tmp_path / "prices.yaml", "gemini-3.1-flash-lite-image"
    table.write_text(f"date: 2027-01-31\nmodels: {{{model}: {{estimate: {{1K: 0.03, 2K: 0.1, 4K: 0.2}}}}}}\n")
    here = Directory.from_settings(ProviderSettings(gemini_api_key="k", providers_prices_file=str(table)))
    assert here.expected_cost(Choice("gemini", model), "4K") == Decimal("0.03")


def test_a_call_costs_what_its_tokens_cost() -> None:
    price = Price(input=Decimal(1), cached_input=Decimal("0.1"), image_input=Decimal(8), output=Decimal(5))
    usage = Usage(1_000_000, 200_000, cached_input_tokens=500_000, image_input_tokens=100_000)
    assert price.of_tokens(usage) == Decimal("0.4") + Decimal("0.05") + Decimal("0.8") + Decimal("1")
    painted = Usage(0, 1_000_000, image_output_tokens=1_000_000)
    assert price.of_tokens(painted) == 5
    assert price.model_copy(update={"image_output": Decimal(30)}).of_tokens(painted) == 30


def test_a_call_without_tokens_costs_what_is_expected_and_an_unknown_model_nobody_knows_what() -> None:
    prices = load_prices()
    assert prices.cost("gpt-image-2.6-flare", Usage(), "4K") == prices.expected("gpt-image-2.6-flare", "4K")
    assert prices.cost("gpt-image-2.6-flare", Usage(1_000_000, 0), "4K") == 5
    assert prices.cost("classical/1", Usage()) == 0
    assert prices.cost("somebody's", Usage(1, 1)) is None

"""What auth refuses to start with."""

import pytest
from pydantic import ValidationError

from services.auth.settings import AuthSettings
from tests.services.auth.conftest import Variables


@pytest.fixture
def start(variables: Variables, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("password", ["", "admin123"])
def test_production_has_no_known_password(
    start: None, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setenv("APP_ENV", "production")
    monkeypatch.setenv("ADMIN_PASSWORD", password)
    with pytest.raises(ValidationError, match="set ADMIN_PASSWORD"):
        AuthSettings()
    monkeypatch.setenv("ADMIN_PASSWORD", "a password of ours")
    assert AuthSettings().production


def test_somebody_has_to_sign(start: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JWT_PRIVATE_KEY")
    with pytest.raises(ValidationError, match="JWT_PRIVATE_KEY"):
        AuthSettings()


@pytest.mark.parametrize(
    ("name", "value"),
    [("REGISTRATION_MODE", "closed"), ("ADMIN_EMAIL", "nobody"), ("JWT_EXPIRATION_HOURS", "0")],
)
def test_a_variable_out_of_range_is_named(
    start: None, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=f"(?i){name}"):
        AuthSettings()

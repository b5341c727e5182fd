import pytest
from pydantic import ValidationError

from libs.common.settings import Settings
from tests.libs.common.test_identity import settings

REQUIRED = {
    "DATABASE_URL": "postgresql://catalog:hidden@db/vitrine",
    "NATS_URL": "nats://catalog:hidden@nats",
    "MASTER_KEY": "hidden",
    "S3_ENDPOINT": "http://s3",
    "S3_ACCESS_KEY": "hidden",
    "S3_SECRET_KEY": "hidden",
    "JWKS_URL": "http://auth/.well-known/jwks.json",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_a_variable_is_the_fields_name_in_capitals(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("QUEUE_MAX", "7")
    found = Settings()
    assert (found.database_url, found.queue_max, found.app_env) == (
        REQUIRED["DATABASE_URL"],
        7,
        "development",
    )


@pytest.mark.parametrize("missing", REQUIRED)
def test_secrets_and_addresses_have_no_defaults(environment: pytest.MonkeyPatch, missing: str) -> None:
    environment.delenv(missing)
    with pytest.raises(ValidationError, match=missing.lower() if missing != "JWKS_URL" else missing):
        Settings()


def test_secrets_are_not_printed(environment: pytest.MonkeyPatch) -> None:
    assert "hidden" not in repr(Settings())


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("STORAGE_BUCKET_NAME", "pictures", "s3_bucket"),
        ("MAX_UPLOAD_SIZE", "1000", "max_upload_size_bytes"),
        ("MAX_UPLOAD_SIZE_BYTES", "1000", "max_upload_size_bytes"),
        ("SECRET_KEY", "s" * 32, "jwt_secret_key"),
        ("JWT_SECRET_KEY", "s" * 32, "jwt_secret_key"),
    ],
)
def test_names_of_earlier_systems_are_understood(
    environment: pytest.MonkeyPatch, name: str, value: str, field: str
) -> None:
    environment.setenv(name, value)
    assert str(getattr(Settings(), field)) == value


def test_the_algorithm_of_earlier_systems_needs_its_secret(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ALGORITHM", "HS256")
    with pytest.raises(ValidationError, match="JWT_SECRET_KEY"):
        Settings()
    environment.setenv("SECRET_KEY", "s" * 32)
    assert Settings().jwt_algorithm == "HS256"


@pytest.mark.parametrize(
    ("app_env", "enabled", "served"), [("development", None, True), ("production", None, False)]
)
def test_documentation_is_for_development(app_env: str, enabled: bool | None, served: bool) -> None:
    assert settings(jwks_url="-", app_env=app_env, docs_enabled=enabled).serves_docs is served
    assert settings(jwks_url="-", app_env=app_env, docs_enabled=not served).serves_docs is not served

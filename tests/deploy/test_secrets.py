"""The secrets that `vitrine secrets` makes, in both of their forms."""

import json

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from typer.testing import CliRunner

from deploy import SERVICES
from deploy.cli import app
from deploy.secrets import OWNERS, Secrets
from libs.common.privacy import KeyRing


def dotenv(text: str) -> dict[str, str]:
    """As compose reads it: a value in double quotes is a string with backslash escapes."""
    pairs = (line.split("=", 1) for line in text.splitlines())
    return {name: json.loads(value) for name, value in pairs}


def test_every_run_makes_others() -> None:
    first, second = (dotenv(CliRunner().invoke(app, ["secrets"]).output) for _ in range(2))
    assert first.keys() == second.keys()
    assert not set(first.values()) & set(second.values())
    assert len(set(first.values())) == len(first)


def test_the_keys_are_keys() -> None:
    variables = dotenv(Secrets.generate().dotenv())
    load_pem_private_key(variables["JWT_PRIVATE_KEY"].encode(), None)
    for service in SERVICES:
        KeyRing(variables[f"{service.upper()}_MASTER_KEY"])


def test_a_pod_gets_its_own_secrets_only() -> None:
    output = CliRunner().invoke(app, ["secrets", "--kubernetes", "--database", "db.example.org:5433"]).output
    found = {secret["metadata"]["name"]: secret["stringData"] for secret in yaml.safe_load_all(output)}
    assert found["catalog"]["DATABASE_URL"].startswith("postgresql://catalog:")
    assert found["catalog"]["DATABASE_URL"].endswith("@db.example.org:5433/vitrine")
    assert found["catalog-owner"].keys() == {"DATABASE_OWNER_URL"}
    assert "JWT_PRIVATE_KEY" not in found["catalog"]
    load_pem_private_key(found["auth"]["JWT_PRIVATE_KEY"].encode(), None)
    assert found["nats"].keys() == {f"{user.upper()}_PASSWORD" for user in (*SERVICES, "operator")}
    password = found["nats"]["CATALOG_PASSWORD"]
    assert found["catalog"]["NATS_URL"].startswith(f"nats://catalog:{password}@nats-0.nats:4222,nats://")


def test_a_superuser_elsewhere_stays_there() -> None:
    accounts = {f"{account.upper()}_PASSWORD" for account in (*SERVICES, *OWNERS)}
    for database, more in (("db.example.org:5432", set()), (None, {"POSTGRES_PASSWORD"})):
        found = {secret["metadata"]["name"]: secret for secret in Secrets.generate().kubernetes(database)}
        assert found["postgres"]["stringData"].keys() == accounts | more


def test_the_keys_of_a_store_that_is_there_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_ACCESS_KEY", "theirs")
    monkeypatch.setenv("S3_SECRET_KEY", "secret")
    output = CliRunner().invoke(app, ["secrets", "--kubernetes"]).output
    found = {secret["metadata"]["name"]: secret["stringData"] for secret in yaml.safe_load_all(output)}
    for name in (*SERVICES, "object-store"):
        assert (found[name]["S3_ACCESS_KEY"], found[name]["S3_SECRET_KEY"]) == ("theirs", "secret")

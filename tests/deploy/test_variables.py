"""Every variable that the code reads is where people look for it, and nothing else is."""

import re
from importlib import import_module

from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from deploy import SERVICES
from deploy.local import services as processes
from libs.common.settings import DatabaseOwnerSettings, Settings
from tests.deploy import compose

GATEWAY = set(re.findall(r"\{\$(\w+)", (compose.ROOT / "deploy/gateway/Caddyfile").read_text()))
OPENTELEMETRY = {"OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"}
"""Read by its SDK, not by our settings."""
BY_COMPOSE = "docker-compose.yml itself gives each process"


def settings_of(service: str) -> type[Settings]:
    found: type[Settings] = import_module(f"services.{service}.store").definition.settings
    return found


def variable(name: str, field: FieldInfo) -> str:
    """Its first name; the others are those of earlier systems."""
    alias = field.validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else name.upper()


def variables_of(service: str) -> set[str]:
    return {variable(name, field) for name, field in settings_of(service).model_fields.items()}


ALL = set().union(OPENTELEMETRY, *map(variables_of, SERVICES)) | {
    variable(name, field) for name, field in DatabaseOwnerSettings.model_fields.items()
}


def test_the_readme_has_them() -> None:
    table = re.findall(r"^\| (`[^|]+) \|", (compose.ROOT / "README.md").read_text(), re.MULTILINE)
    named = {name for row in table for name in re.findall(r"`([A-Z][A-Z0-9_]+)`", row)}
    assert named == ALL


def test_compose_gives_a_process_its_own() -> None:
    """Their defaults stay in the code: a variable that nobody set is not set in the container."""
    for name in (*processes.api_names(), *processes.worker_names()):
        service, _, kind = name.rpartition("-")
        given = set(compose.services()[name]["environment"])
        missing = {"METRICS_PORT"} if kind == "api" else set()
        assert given >= variables_of(service) - missing - {"JWT_PRIVATE_KEY", "LOG_DIR"}
        assert "LOG_DIR" not in given
        assert given <= ALL - {"DATABASE_OWNER_URL"}
        assert ("JWT_PRIVATE_KEY" in given) == (service == "auth")


def test_compose_gives_a_migration_the_owners_alone() -> None:
    for service in SERVICES:
        assert compose.services()[f"{service}-migrate"]["environment"].keys() == {"DATABASE_OWNER_URL"}


def test_compose_gives_the_gateway_its_own() -> None:
    assert set(compose.services()["gateway"]["environment"]) == GATEWAY - {"GATEWAY_BIND"}


def test_env_example_has_them() -> None:
    text, _, made = (compose.ROOT / ".env.example").read_text().partition(BY_COMPOSE)
    settable = set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))
    passed_on = {
        name
        for service in compose.services().values()
        for name, value in service.get("environment", {}).items()
        if value is None
    }
    assert settable == set(compose.variables()) | passed_on
    by_compose = set(re.findall(r"\b[A-Z][A-Z0-9]*_?[A-Z0-9_]+\b", made.partition("\n")[2]))
    assert settable | by_compose >= ALL
    assert by_compose <= ALL


def test_the_defaults_in_env_example_are_the_codes() -> None:
    """Those of compose itself are in docker-compose.yml."""
    text = (compose.ROOT / ".env.example").read_text()
    told = dict(re.findall(r"^# ([A-Z][A-Z0-9_]+)=(.*)$", text, re.MULTILINE))
    in_compose = compose.variables()
    for service in SERVICES:
        for name, field in settings_of(service).model_fields.items():
            key = variable(name, field)
            if key in told and key not in in_compose and key != "DOCS_ENABLED":
                assert told[key] == plain(field.default), f"{key} in .env.example"
    for key in told.keys() & in_compose.keys():
        assert in_compose[key] <= {told[key], ""}, key


def plain(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

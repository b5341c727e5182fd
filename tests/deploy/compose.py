"""docker-compose.yml as compose reads it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
_VARIABLE = re.compile(r"\$\{(\w+)(?::(-|\?)([^}]*))?\}")


def services() -> dict[str, dict[str, Any]]:
    """Merged, not interpolated."""
    document = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    found: dict[str, dict[str, Any]] = document["services"]
    return found


def variables() -> dict[str, set[str]]:
    """Every variable that is asked for, with its defaults: `?` where it must be set."""
    found: dict[str, set[str]] = {}
    for name, operator, default in _VARIABLE.findall((ROOT / "docker-compose.yml").read_text()):
        found.setdefault(name, set()).add("?" if operator == "?" else default)
    return found


def environment(service: str, env: Mapping[str, str]) -> dict[str, str]:
    """What a container is given: a variable without a value is passed on if there is one."""
    given = services()[service]["environment"]
    passed = {
        name: env.get(name) if value is None else _interpolated(value, env) for name, value in given.items()
    }
    return {name: value for name, value in passed.items() if value is not None}


def _interpolated(text: str, env: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: env.get(found[1]) or found[3] or "", text)

"""A package that happens to be installed here is missing from an image, where only the lock file's are."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = {"libs", "services", "deploy"}


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_what_the_services_import_is_locked() -> None:
    locked = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(), re.M))
    files = [file for top in ("libs", "services") for file in (ROOT / top).rglob("*.py")]
    names = {name.partition(".")[0] for file in files for name in imported(file)}
    foreign = names - sys.stdlib_module_names - OURS
    distributions = packages_distributions()
    sources = {name: {one.lower().replace("_", "-") for one in distributions[name]} for name in foreign}
    assert {name: found for name, found in sources.items() if not found & locked} == {}

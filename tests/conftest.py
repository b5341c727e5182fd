"""Real servers for every test that wants them: once per session, on free ports, in a temporary directory."""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.postgres import Postgres
from deploy.local.stack import SERVERS, Stack

ROOT = Path(__file__).parent
REAL_KEYS = {name: os.environ.pop(name, None) for name in ("OPENAI_API_KEY", "GEMINI_API_KEY")}
"""Keys of real services are for the tests that name them; no other test may spend money."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`make test` runs in two processes, each with servers of its own, a file in one of them.

    All that starts the whole system goes to the same one, and first, as it mostly waits.
    """
    for item in items:
        file = item.path.relative_to(ROOT).as_posix()
        item.add_marker(pytest.mark.xdist_group("system" if file.startswith("system/") else file))
    items.sort(key=lambda item: not item.path.is_relative_to(ROOT / "system"))


def pytest_configure() -> None:
    """A killed test run removes what it started, as an interrupted one does."""
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated", returncode=143))


@pytest.fixture
def real_key(request: pytest.FixtureRequest) -> str:
    """`@pytest.mark.real("OPENAI_API_KEY")`: the key of the real service; without it the test is skipped."""
    name = request.node.get_closest_marker("real").args[0]
    return REAL_KEYS[name] or pytest.skip(f"{name} is not set")


@pytest.fixture(scope="session")
def empty_stack() -> Iterator[Stack]:
    """Nothing runs yet; `start_server` starts what a test wants."""
    directory = Path(tempfile.mkdtemp(prefix="vitrine-test-"))
    try:
        with Stack(directory, env={"RATE_LIMITS_ENABLED": "false"}) as stack:
            yield stack
    finally:
        shutil.rmtree(directory)


@pytest.fixture(scope="session")
def postgres(empty_stack: Stack) -> Postgres:
    """With every service's roles, schemas and migrations."""
    empty_stack.start_server("postgres")
    empty_stack.provision()
    empty_stack.migrate()
    return empty_stack.postgres


@pytest.fixture(scope="session")
def nats(empty_stack: Stack) -> str:
    """The operator's URL; a service's own is `service_env(service)["NATS_URL"]`."""
    empty_stack.start_server("nats")
    return empty_stack.nats.url("operator")


@pytest.fixture(scope="session")
def stack(empty_stack: Stack, postgres: Postgres, nats: str) -> Stack:
    """All three servers, no service process."""
    for name in SERVERS:
        empty_stack.start_server(name)
    return empty_stack


@pytest.fixture(scope="session")
def service_env(empty_stack: Stack) -> Callable[[str], dict[str, str]]:
    """A service's variables; the servers they point to are those the test's other fixtures started."""
    return empty_stack.service_env

"""Ports that are not given are free ones, and nobody else's, even before anybody listens there."""

import subprocess
import sys

import pytest

from deploy.local import run_directory
from deploy.local.run_directory import free_port

OTHER_PROCESS = """
import sys
from deploy.local import run_directory
run_directory.PORTS = [int(port) for port in sys.argv[1:]]
print(run_directory.free_port())
"""


def nearly_always(port: int) -> list[int]:
    """A choice of ports that this one is nearly always chosen from, and that has others."""
    return [port] * 1000 + list(range(port + 1, port + 21))


def test_no_port_is_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    given = free_port()
    monkeypatch.setattr(run_directory, "PORTS", nearly_always(given))
    assert free_port() != given


def test_no_port_of_another_process_is_given() -> None:
    given = free_port()
    command = [sys.executable, "-c", OTHER_PROCESS, *map(str, nearly_always(given))]
    other = subprocess.run(command, capture_output=True, text=True, check=True)
    assert given < int(other.stdout) <= given + 20

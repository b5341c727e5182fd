"""Ports that are not given are free ones, and nobody else's, even before anybody listens there."""

import socket
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


@pytest.fixture
def free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def test_no_port_is_given_twice(free: int, monkeypatch: pytest.MonkeyPatch) -> None:
    given = free_port()
    monkeypatch.setattr(run_directory, "PORTS", [given] * 20 + [free])
    assert free_port() == free


def test_no_port_of_another_process_is_given(free: int) -> None:
    given = free_port()
    choice = [str(port) for port in [given] * 20 + [free]]
    command = [sys.executable, "-c", OTHER_PROCESS, *choice]
    other = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert int(other.stdout) == free

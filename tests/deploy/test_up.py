"""`vitrine up` as a user runs it."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from deploy import SERVICES
from libs.common.service import VERSION

VITRINE = [sys.executable, "-m", "deploy.cli"]


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return tmp_path / "run"


def vitrine(run_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*VITRINE, "--run-dir", str(run_dir), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, env=plain_environment())


def plain_environment() -> dict[str, str]:
    return {**os.environ, "NO_COLOR": "1", "COLUMNS": "200"}


class Running:
    """`vitrine up` in a process of its own."""

    def __init__(self, run_dir: Path) -> None:
        self.process = subprocess.Popen(
            [*VITRINE, "--run-dir", str(run_dir), "up", "--port", "0"],
            stdout=subprocess.PIPE,
            text=True,
            env=plain_environment(),
        )
        self.children: list[psutil.Process] = []

    def wait_for_url(self) -> str:
        assert self.process.stdout
        shown = []
        for line in self.process.stdout:
            shown.append(line)
            if "API page" in line:
                self.children = psutil.Process(self.process.pid).children(recursive=True)
                return line.split()[-1].removesuffix("/docs")
        raise AssertionError("".join(shown))

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(60)
        assert psutil.wait_procs(self.children, timeout=60)[1] == []
        return code


@pytest.fixture
def running(run_dir: Path) -> Iterator[Running]:
    stack = Running(run_dir)
    yield stack
    stack.process.terminate()
    with stack.process:
        pass


@pytest.mark.timeout(300)
def test_it_starts_everything_once_and_stops_it_in_order(running: Running, run_dir: Path) -> None:
    url = running.wait_for_url()
    with httpx.Client(base_url=url, timeout=60) as client:
        assert client.get("/ready").status_code == 200
        assert "swagger-ui" in client.get("/docs").text
        document = client.get("/openapi.json").json()
        assert "/api/v1/auth/login" in document["paths"]
        assert "vitrine.catalog.product_created.v1" in client.get("/asyncapi.json").text
        for asset in ("swagger-ui-bundle.js", "swagger-ui.css", "redoc.standalone.js", "docs.js"):
            assert client.get(f"/site/{asset}").status_code == 200
        admin = {"username": "admin", "password": "admin123"}
        assert client.post("/api/v1/admin/login", json=admin).status_code == 200
    second = vitrine(run_dir, "up", "--port", "0")
    assert second.returncode == 1
    assert "already running" in second.stdout
    status = vitrine(run_dir, "status").stdout
    for service in SERVICES:
        assert re.search(rf"│ {service} +│ {re.escape(VERSION)} ", status), status
    assert running.interrupt() == 0
    assert "no stack runs" in vitrine(run_dir, "projections", "list", "auth").stderr


def test_a_taken_port_is_named(run_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        refused = vitrine(run_dir, "up", "--port", str(port))
    assert refused.returncode == 1
    assert f"port {port} (gateway) is in use" in refused.stdout

"""Where one stack keeps everything: data, generated secrets, logs, and the lock that makes it one."""

import fcntl
import json
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from random import SystemRandom
from typing import IO

import psutil

from deploy.secrets import Secrets

MARK = "VITRINE_STACK"


class AlreadyRunning(Exception):
    """Another process runs a stack on this directory."""


class PortTaken(Exception):
    """Somebody else listens on a port this stack was told to use."""


class RunDirectory:
    """A stack's directory, held by at most one process at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.logs = self.path / "logs"
        self._lock: IO[str] | None = None

    def claim(self) -> None:
        """Takes the lock and ends what a killed predecessor left running. Raises AlreadyRunning."""
        self.logs.mkdir(parents=True, exist_ok=True)
        lock = (self.path / "lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise AlreadyRunning(f"a stack is already running in {self.path}") from None
        self._lock = lock
        (self.path / "running.json").unlink(missing_ok=True)
        self._end_leftovers()

    def release(self) -> None:
        """Gives the lock back."""
        if self._lock is not None:
            (self.path / "running.json").unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def secrets(self) -> Secrets:
        """Those generated when this directory was first used."""
        path = self.path / "secrets.json"
        if not path.exists():
            self.write_private("secrets.json", Secrets.generate().model_dump_json(indent=2))
        return Secrets.model_validate_json(path.read_text())

    def write_private(self, name: str, text: str) -> Path:
        """A file that only its owner may read, whole or not at all."""
        path, partial = self.path / name, self.path / f"{name}.partial"
        partial.unlink(missing_ok=True)
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        return partial.replace(path)

    def announce(self, ports: Mapping[str, int]) -> None:
        """Tells other commands on this machine how to reach the running stack."""
        self.write_private("running.json", json.dumps(ports))

    def announced(self) -> dict[str, int] | None:
        """The ports of the stack that runs here, once it has started; None when none does."""
        try:
            with (self.path / "lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return None
        except BlockingIOError:
            path = self.path / "running.json"
            return dict(json.loads(path.read_text())) if path.exists() else None
        return None

    def _end_leftovers(self) -> None:
        """Every process of a stack carries its directory in its environment, which finds them."""
        found = [process for process in psutil.process_iter() if self._is_ours(process)]
        for process in found:
            process.send_signal(signal.SIGTERM)
        for process in psutil.wait_procs(found, timeout=5)[1]:
            process.kill()
        psutil.wait_procs(found, timeout=5)

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return bool(process.environ().get(MARK) == str(self.path))
        except psutil.Error:
            return False


PORTS = range(12_000, 32_000)
"""Below the range from which the kernel takes ports for outgoing connections: a server that is down for a
moment must find its port free again, and a client that keeps retrying must not connect to itself."""


def free_port() -> int:
    """One of `PORTS` of 127.0.0.1 that nobody listens on, and that is given out only once.

    Whoever asked for it may take a while to listen there. Until the asking process ends, no other stack of
    this account is given the same.
    """
    while not (_reserve(port := SystemRandom().choice(PORTS)) and is_free(port)):
        pass
    return port


def is_free(port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


_reserved: set[int] = set()
"""By this process, to which its own locks are no hindrance."""


_reserving = threading.Lock()
"""To close any descriptor of a file gives up all locks on it, so no second thread may open it at the same time."""


def _reserve(port: int) -> bool:
    with _reserving:
        reservations = _reservations()
        if port in _reserved:
            return False
        try:
            fcntl.lockf(reservations, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except (BlockingIOError, PermissionError):  # which of them is the kernel's choice
            return False
        _reserved.add(port)
        return True


@cache
def _reservations() -> IO[bytes]:
    """An empty file, the same for all processes of this account: its byte N is locked by who has port N."""
    return (Path(tempfile.gettempdir()) / f"vitrine-ports-{os.getuid()}").open("ab")

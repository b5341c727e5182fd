"""One program kept running."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

logger = logging.getLogger(__name__)

LAUNCHER = Path(__file__).with_name("launcher.py")
FIRST_DELAY, LONGEST_DELAY = 0.1, 5.0
HEALTHY_AFTER = 10.0
LOG_LIMIT = 50_000_000


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, and how to tell that it works."""

    name: str
    command: Sequence[str]
    ready: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 15.0
    before_start: Callable[[], None] = lambda: None


class Supervised:
    """A program whose death is answered by a restart, the later the more often it dies young.

    It gets a process group of its own, so that Ctrl-C in the terminal reaches the supervisor alone, which
    then stops everything in order.
    """

    def __init__(self, program: Program, log: Path) -> None:
        self.program = program
        self.log = log
        self.restarts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._spawning = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """None while it is not running."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    def start(self) -> None:
        """Starts it and watches it from a thread; without effect if that is done already."""
        if self._thread is not None:
            return
        self._stopping.clear()
        self._thread = threading.Thread(target=self._supervise, name=self.program.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Asks it to end, insists after its grace period, and returns when its process group is gone."""
        if self._thread is None:
            return
        with self._spawning:
            self._stopping.set()
            self.kill(self.program.stop_signal)
        self._thread.join(self.program.stop_seconds)
        if self._thread.is_alive():
            logger.warning(
                "%s did not stop within %.0f s: killed", self.program.name, self.program.stop_seconds
            )
            self.kill(signal.SIGKILL)
            self._thread.join()
        self._thread = None

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Sends a signal to the process, not to its children; after SIGKILL, returns when it is dead."""
        if (process := self._process) is not None:
            process.send_signal(number)
            if number is signal.SIGKILL:
                process.wait()

    def wait_ready(self, timeout: float) -> None:
        """Raises TimeoutError with the end of its log when it does not get ready."""
        deadline = time.monotonic() + timeout
        while self.pid is None or not self.program.ready():
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{self.program.name} is not ready after {timeout:.0f} s\n{self.last_words()}"
                )
            time.sleep(0.05)

    def last_words(self, lines: int = 15) -> str:
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _supervise(self) -> None:
        delay = FIRST_DELAY
        while not self._stopping.is_set():
            started = time.monotonic()
            status = self._run_once()
            if self._stopping.is_set():
                return
            delay = (
                FIRST_DELAY if time.monotonic() - started > HEALTHY_AFTER else min(delay * 2, LONGEST_DELAY)
            )
            logger.warning("%s ended (%s), again in %.1f s", self.program.name, status, delay)
            self.restarts += 1
            self._stopping.wait(delay)

    def _run_once(self) -> str:
        """Runs it to its end; says how it ended."""
        try:
            with self._spawning:
                if self._stopping.is_set():
                    return "stopped"
                self.program.before_start()
                self._process = self._spawn()
            code = self._process.wait()
            _end_group(self._process.pid)
        except OSError as error:
            return str(error)
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"

    def _spawn(self) -> subprocess.Popen[bytes]:
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        program = self.program
        launch = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(int(program.stop_signal))]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*launch, program.user or "-", *program.command],
                env={**os.environ, **program.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def _end_group(pid: int) -> None:
    """What a killed process left behind (a worker's pool) goes with it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)

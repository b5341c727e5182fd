"""What the supervisor promises about the processes it starts."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from deploy.local.process import Program, Supervised
from deploy.local.run_directory import MARK, AlreadyRunning, RunDirectory
from deploy.local.stack import Stack

SLEEP = [sys.executable, "-c", "import time; print('hello', flush=True); time.sleep(600)"]


def eventually(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def supervised(tmp_path: Path, command: list[str], **settings: object) -> Supervised:
    program = Program("sleeper", command, ready=lambda: True, **settings)  # type: ignore[arg-type]
    return Supervised(program, tmp_path / "sleeper.log")


def test_what_dies_is_started_again_and_its_output_kept(tmp_path: Path) -> None:
    process = supervised(tmp_path, SLEEP)
    process.start()
    try:
        eventually(lambda: "hello" in process.last_words())
        first = process.pid
        process.kill()
        eventually(lambda: process.restarts == 1 and process.pid not in (None, first))
        eventually(lambda: process.last_words().count("hello") == 2)
    finally:
        process.stop()
    assert process.pid is None


def test_what_ignores_the_request_to_stop_is_killed(tmp_path: Path) -> None:
    ignore = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    deaf = f"{ignore}; print('deaf', flush=True); time.sleep(600)"
    process = supervised(tmp_path, [sys.executable, "-c", deaf], stop_seconds=0.1)
    process.start()
    eventually(lambda: "deaf" in process.last_words())
    process.stop()
    assert process.pid is None


def test_children_of_a_killed_process_go_with_it(tmp_path: Path) -> None:
    parent = (
        f"import subprocess; child = subprocess.Popen({SLEEP!r}); print(child.pid, flush=True); child.wait()"
    )
    process = supervised(tmp_path, [sys.executable, "-c", parent])
    process.start()
    try:
        eventually(lambda: process.last_words().split())
        child = psutil.Process(int(process.last_words().split()[0]))
        process.kill()
        child.wait(60)
    finally:
        process.stop()


def test_a_program_that_never_gets_ready_is_quoted(tmp_path: Path) -> None:
    broken = Program("broken", [sys.executable, "-c", "exit('no such luck')"], ready=lambda: False)
    process = Supervised(broken, tmp_path / "broken.log")
    process.start()
    try:
        eventually(lambda: "no such luck" in process.last_words())
        with pytest.raises(TimeoutError, match="no such luck"):
            process.wait_ready(0.1)
    finally:
        process.stop()


def test_a_directory_holds_one_stack(tmp_path: Path) -> None:
    with Stack(tmp_path), pytest.raises(AlreadyRunning, match=str(tmp_path)):
        Stack(tmp_path).__enter__()
    with Stack(tmp_path):
        pass


def test_secrets_are_generated_once_and_private(tmp_path: Path) -> None:
    first = RunDirectory(tmp_path).secrets()
    assert RunDirectory(tmp_path).secrets() == first
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_leftovers_of_a_dead_stack_are_ended_at_the_next_start(tmp_path: Path) -> None:
    mine, other = (
        subprocess.Popen(SLEEP, env={**os.environ, MARK: str(path)}, stdout=subprocess.DEVNULL)
        for path in (tmp_path, tmp_path / "other")
    )
    try:
        with Stack(tmp_path):
            assert not psutil.pid_exists(mine.pid)
            assert other.poll() is None
    finally:
        for process in (mine, other):
            process.kill()
            process.wait()


def test_servers_do_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    script = f"""
from pathlib import Path
from deploy.local.stack import Stack
with Stack(Path({str(tmp_path)!r})) as stack:
    for name in ("postgres", "nats"):
        stack.start_server(name)
    print(stack.pid_of("postgres"), stack.pid_of("nats"), flush=True)
    input()
"""
    supervisor = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with supervisor:
        assert supervisor.stdout is not None
        servers = [psutil.Process(int(pid)) for pid in supervisor.stdout.readline().split()]
        supervisor.kill()
        assert psutil.wait_procs(servers, timeout=60)[1] == []
    with Stack(tmp_path) as stack:
        stack.start_server("postgres")

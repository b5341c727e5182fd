"""The service processes, started as in production: an API (uvicorn) and a worker for each service."""

import sys
from collections.abc import Mapping
from pathlib import Path

from deploy import SERVICES
from deploy.local.probe import misses_nothing
from deploy.local.process import Program

LOG_CONFIG = Path(__file__).parents[1] / "uvicorn.json"
LIMITS = ["--timeout-graceful-shutdown", "5", "--timeout-keep-alive", "75"]


def api_names() -> list[str]:
    return [f"{service}-api" for service in SERVICES]


def worker_names() -> list[str]:
    return [f"{service}-worker" for service in SERVICES]


def api(service: str, port: int, env: Mapping[str, str]) -> Program:
    uvicorn = [sys.executable, "-m", "uvicorn", f"services.{service}.api:app", "--no-access-log"]
    options = ["--host", "127.0.0.1", "--port", str(port), "--loop", "uvloop", "--http", "httptools"]
    return Program(
        f"{service}-api",
        [*uvicorn, *options, *LIMITS, "--no-server-header", "--log-config", str(LOG_CONFIG)],
        ready=lambda: misses_nothing(port),
        env=env,
    )


def worker(service: str, port: int, env: Mapping[str, str]) -> Program:
    """`port` is that of its small HTTP server for /health, /ready and /metrics."""
    return Program(
        f"{service}-worker",
        [sys.executable, "-m", f"services.{service}.worker"],
        ready=lambda: misses_nothing(port),
        env={**env, "METRICS_PORT": str(port)},
    )

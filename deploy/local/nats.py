"""NATS with JetStream from its wheel."""

import json
from pathlib import Path

from deploy.local.binaries import binary
from deploy.local.probe import http_status
from deploy.local.process import Program
from deploy.local.run_directory import RunDirectory

CONFIG = Path(__file__).parents[1] / "nats" / "nats.conf"


class Nats:
    """One server with one user per service, and `operator` for the commands of whoever runs it."""

    def __init__(self, run: RunDirectory, port: int, monitor_port: int, passwords: dict[str, str]) -> None:
        self.port = port
        self.store = run.path / "nats"
        self.monitor_port = monitor_port
        self._passwords = passwords

    def program(self) -> Program:
        values = {
            "NATS_HOST": "127.0.0.1",
            "NATS_PORT": self.port,
            "NATS_MONITOR_PORT": self.monitor_port,
            "NATS_STORE": str(self.store),
            **{f"NATS_PASSWORD_{user.upper()}": password for user, password in self._passwords.items()},
        }
        # the server reads them as configuration, so a string needs its quotes
        env = {name: json.dumps(value) for name, value in values.items()}
        return Program("nats", [binary("nats-server"), "-c", str(CONFIG)], ready=self.ready, env=env)

    def url(self, user: str) -> str:
        return f"nats://{user}:{self._passwords[user]}@127.0.0.1:{self.port}"

    def ready(self) -> bool:
        return http_status(self.monitor_port, "/healthz") == 200

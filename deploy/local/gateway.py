"""Caddy from its wheel."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local.binaries import binary
from deploy.local.object_store import BUCKET
from deploy.local.probe import http_status
from deploy.local.process import Program
from deploy.local.run_directory import RunDirectory

CADDYFILE = Path(__file__).parents[1] / "gateway" / "Caddyfile"


class Gateway:
    """The one origin that clients see. `apis` are the ports of the services' API processes, one or more for each."""

    def __init__(
        self, run: RunDirectory, port: int, apis: Mapping[str, Sequence[int]], object_store_port: int
    ) -> None:
        self.port = port
        self.site = run.path / "site"
        self._run = run
        self._apis = apis
        self._object_store_port = object_store_port

    def program(self) -> Program:
        env = {
            "GATEWAY_ADDRESS": f"http://:{self.port}",
            "GATEWAY_BIND": "127.0.0.1",
            "SITE": str(self.site),
            "BUCKET": BUCKET,
            "OBJECT_STORE": f"127.0.0.1:{self._object_store_port}",
            **{f"{service.upper()}_API": _addresses(ports) for service, ports in self._apis.items()},
            "XDG_DATA_HOME": str(self._run.path / "caddy"),
            "XDG_CONFIG_HOME": str(self._run.path / "caddy"),
        }
        command = [binary("caddy"), "run", "--config", str(CADDYFILE)]
        return Program("gateway", command, ready=lambda: http_status(self.port, "/health") == 200, env=env)


def _addresses(ports: Sequence[int]) -> str:
    return " ".join(f"127.0.0.1:{port}" for port in ports)

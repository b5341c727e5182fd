"""docker-compose.yml, as far as it can be checked without Docker."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy import SERVICES as DEPLOYED
from deploy.cli import app
from deploy.local import services as processes
from deploy.local.binaries import binary
from deploy.local.stack import SERVERS, Stack
from deploy.secrets import Secrets
from tests.deploy import compose
from tests.deploy.test_variables import settings_of

SERVICES = compose.services()
STEPS = [name for name, service in SERVICES.items() if service["restart"] == "on-failure:3"]
RUNNING = [name for name, service in SERVICES.items() if service["restart"] == "unless-stopped"]


def run(*command: str | Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_it_is_a_compose_file() -> None:
    validator = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    run(*validator, compose.ROOT / "docker-compose.yml")


def test_it_has_the_processes_of_the_embedded_stack() -> None:
    observed = {"otel-collector", "prometheus", "grafana"}
    local = {*SERVERS, "gateway", *processes.api_names(), *processes.worker_names()}
    assert set(RUNNING) - observed == local
    assert {name for name in RUNNING if SERVICES[name].get("profiles") == ["observability"]} == observed


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_may_do_little(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
    assert str(service["user"]) not in ("0", "0:0") if name != "volumes" else service["user"] == "root"


@pytest.mark.parametrize("name", sorted(set(RUNNING) - {"otel-collector"}))
def test_what_runs_says_whether_it_is_healthy(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


def test_images_are_pinned() -> None:
    for name, service in SERVICES.items():
        if "build" not in service:
            assert re.search(r":\D*\d+[.-]\d+[.-]\d+|postgres:\d+\.\d+", service["image"]), name


def test_secrets_have_no_default() -> None:
    asked = compose.variables()
    secrets = Secrets.generate().variables()
    assert {name for name, defaults in asked.items() if defaults == {"?"}} == set(secrets)
    assert {name for name, defaults in asked.items() if "?" in defaults} == set(secrets)


def test_a_step_is_waited_for() -> None:
    """Otherwise `up --wait` would take its end for a failure."""
    awaited = {
        name
        for service in SERVICES.values()
        for name, needed in service.get("depends_on", {}).items()
        if needed["condition"] == "service_completed_successfully"
    }
    assert awaited == set(STEPS)


def test_what_is_mounted_is_there() -> None:
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", [])]
    files = [mount.split(":")[0] for mount in mounts if mount.startswith("./")]
    assert files
    assert [file for file in files if not (compose.ROOT / file).exists()] == []


IMAGE_VOLUMES = {
    "postgres": "/var/lib/postgresql",
    "quay.io/minio/minio": "/data",
    "prom/prometheus": "/prometheus",
}
"""Where those images declare a volume. Without a mount there, each container gets one that nothing deletes."""


@pytest.mark.parametrize("name", [n for n in SERVICES if SERVICES[n]["image"].split(":")[0] in IMAGE_VOLUMES])
def test_no_volume_is_left_behind(name: str) -> None:
    service = SERVICES[name]
    mounted = {mount.split(":")[1] for mount in service.get("volumes", [])}
    assert IMAGE_VOLUMES[service["image"].split(":")[0]] in mounted | set(service.get("tmpfs", []))


def test_the_object_store_can_make_its_directory() -> None:
    """MinIO makes $HOME/.minio before anything else; on a read-only root it ends there."""
    service = SERVICES["object-store"]
    assert service["environment"]["HOME"] in service["tmpfs"]


@pytest.mark.parametrize("name", SERVERS)
def test_a_new_version_leaves_the_servers_running(name: str) -> None:
    """Compose makes anew whatever waits for a container that it makes anew."""
    for needed in SERVICES[name].get("depends_on", {}):
        assert not SERVICES[needed]["image"].startswith("${VITRINE_IMAGE")
        assert "depends_on" not in SERVICES[needed]


class Ready(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/ready" else 404)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Not on the screen."""


@pytest.fixture
def ready() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Ready) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("name", "port"), [("auth-api", "8000"), ("auth-worker", "9000")])
def test_a_process_is_healthy_when_it_is_ready(
    name: str, port: str, ready: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, *arguments = SERVICES[name]["healthcheck"]["test"]
    code = arguments[-1].replace(f":{port}/", f":{ready.server_port}/")
    command = [sys.executable, *arguments[:-1], code]
    assert subprocess.run(command, check=False).returncode == 0
    monkeypatch.setattr(Ready, "status", 503)
    assert subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode != 0


@pytest.mark.parametrize("name", processes.worker_names())
def test_a_worker_runs_as_in_the_embedded_stack(name: str) -> None:
    service = name.removesuffix("-worker")
    local = processes.worker(service, 9000, {})
    assert SERVICES[name]["command"][1:] == local.command[1:]
    assert SERVICES[name]["environment"]["METRICS_PORT"] == "9000"


@pytest.mark.parametrize("name", [*processes.api_names(), *processes.worker_names()])
def test_a_process_takes_its_variables(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With new secrets and nothing else, which is an installation fit for production."""
    given = compose.environment(name, Secrets.generate().variables())
    if "PROVIDERS_PRICES_FILE" in given:  # where compose mounts it
        given["PROVIDERS_PRICES_FILE"] = str(compose.ROOT / "libs" / "providers" / "prices.yaml")
    monkeypatch.setattr(os, "environ", given)
    settings = settings_of(name.rpartition("-")[0])()
    assert (settings.app_env, settings.serves_docs) == ("production", False)
    assert (settings.metrics_port == 9000) == name.endswith("-worker")
    assert given["JWKS_URL"].startswith("http://auth-api:8000/")


def test_the_operators_commands_reach_all_servers(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the accounts that docker-compose.yml gives them, here at the addresses of these servers."""
    env = compose.environment(
        "operator",
        {
            "OPERATOR_PASSWORD": stack.secrets.passwords["operator"],
            "POSTGRES_PASSWORD": stack.secrets.passwords["postgres"],
        },
    )
    env["NATS_URL"] = env["NATS_URL"].replace("nats:4222", f"127.0.0.1:{stack.nats.port}")
    env["DATABASE_URL"] = env["DATABASE_URL"].replace("postgres:5432", f"127.0.0.1:{stack.postgres.port}")
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    shown = CliRunner().invoke(app, ["status"], env={"COLUMNS": "300"})
    assert shown.exit_code == 0, shown.output
    assert "cannot be read" not in shown.output
    assert all(service in shown.output for service in DEPLOYED)


def test_nats_takes_its_configuration(tmp_path: Path) -> None:
    env = compose.environment("nats", Secrets.generate().variables())
    config = compose.ROOT / "deploy" / "nats" / "nats.conf"
    tested = run(binary("nats-server"), "-t", "-c", config, env=env | {"NATS_STORE": f'"{tmp_path}"'})
    assert "is valid" in tested


def test_caddy_takes_its_configuration(tmp_path: Path) -> None:
    env = compose.environment("gateway", {"GATEWAY_TRUSTED_PROXIES": "10.0.0.0/8 172.16.0.0/12"})
    config = compose.ROOT / "deploy" / "gateway" / "Caddyfile"
    run(binary("caddy"), "validate", "--config", config, env=env | {"HOME": str(tmp_path)})


def test_the_gateway_asks_where_the_apis_answer() -> None:
    env = compose.environment("gateway", {})
    for name in processes.api_names():
        assert env[f"{name.removesuffix('-api').upper()}_API"] == f"{name}:8000"

"""The embedded stack: three servers, eight service processes and the gateway, kept running."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path

from deploy import SERVICES
from deploy.local import services
from deploy.local.gateway import Gateway
from deploy.local.nats import Nats
from deploy.local.object_store import BUCKET, ObjectStore
from deploy.local.postgres import SUPERUSER, Postgres
from deploy.local.process import Program, Supervised
from deploy.local.run_directory import MARK, PortTaken, RunDirectory, free_port, is_free
from deploy.secrets import OWNERS, Secrets
from libs.common.migrate import migrate

logger = logging.getLogger(__name__)

SERVERS = ("postgres", "nats", "object-store")
START_SECONDS = 120.0


class Stack:
    """`with Stack(directory) as stack: stack.start()`; or single servers: `stack.start_server("nats")`.

    Everything it keeps is under `directory`; started there again, it finds its data. Ports that are not given
    are free ones. `env` is added to the variables of every service process. The methods block; call them from
    a thread (`asyncio.to_thread`) where a loop must go on.
    """

    def __init__(
        self, directory: Path, *, ports: Mapping[str, int] | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        self.run = RunDirectory(directory)
        self._given_ports = dict(ports or {})
        names = [*SERVERS, "nats-monitor", "gateway", *services.api_names(), *services.worker_names()]
        self.ports = {name: self._given_ports.get(name) or free_port() for name in names}
        self._given_env = dict(env or {})
        self._processes: dict[str, Supervised] = {}

    @classmethod
    def running(cls, directory: Path) -> "Stack | None":
        """The addresses and secrets of the stack that another process runs there; to look at, not to stop."""
        ports = RunDirectory(directory).announced()
        return None if ports is None else cls(directory, ports=ports)

    def __enter__(self) -> "Stack":
        self.run.claim()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.run.release()

    def start(self) -> None:
        """Returns when all are ready. Raises TimeoutError with the last words of the one that is not."""
        for name, port in self._given_ports.items():
            if port and not is_free(port):
                raise PortTaken(f"port {port} ({name}) is in use")
        logger.info("starting %s", ", ".join(SERVERS))
        self._start(SERVERS)
        self.wait_ready(SERVERS)
        logger.info("creating accounts and schemas")
        self.provision()
        _together([self.migrate, self._write_site])
        logger.info("starting %s and the gateway", ", ".join(SERVICES))
        self._start([*services.api_names(), *services.worker_names(), "gateway"])
        self.wait_ready()
        self.run.announce(self.ports)

    def stop(self) -> None:
        """First who serves, then who works, then the servers; each may finish what it has begun."""
        logger.info("stopping")
        apis, workers = services.api_names(), services.worker_names()
        for layer in (["gateway"], apis, workers, ["nats", "object-store"], ["postgres"]):
            _together(partial(self.stop_server, name) for name in layer if name in self._processes)

    def provision(self) -> None:
        """The database, the services' roles and schemas."""
        self.postgres.create_database()
        self.postgres.create_services(self.secrets.passwords_of(*SERVICES, *OWNERS))

    def migrate(self) -> None:
        """Brings every service's schema to the newest version."""
        for service in SERVICES:
            asyncio.run(migrate(service, self.service_env(service)["DATABASE_OWNER_URL"]))

    def _write_site(self) -> None:
        """In a process of its own: the supervisor need not load the services' code."""
        command = [sys.executable, "-m", "deploy.cli", "openapi", "--site", str(self.gateway.site)]
        subprocess.run(command, check=True)

    @property
    def url(self) -> str:
        """The gateway's origin."""
        return f"http://localhost:{self.ports['gateway']}"

    def service_env(self, service: str) -> dict[str, str]:
        """The variables of one service: its own accounts and keys, the migrations' among them."""
        return {
            "APP_ENV": "development",
            "DATABASE_URL": self.postgres.url(service, self._password(service)),
            "DATABASE_OWNER_URL": self.postgres.url(f"{service}_owner", self._password(f"{service}_owner")),
            "NATS_URL": self.nats.url(service),
            "S3_ENDPOINT": self.object_store.endpoint,
            "S3_ACCESS_KEY": self.secrets.s3_access_key,
            "S3_SECRET_KEY": self.secrets.s3_secret_key,
            "S3_BUCKET": BUCKET,
            "S3_REGION": "us-east-1",
            "PUBLIC_URL": self.url,
            "MASTER_KEY": self.secrets.master_keys[service],
            "JWKS_URL": f"http://127.0.0.1:{self.ports['auth-api']}/.well-known/jwks.json",
            "HOST": "127.0.0.1",
            "JOB_SLOTS": str(os.cpu_count() or 2),  # the local provider works on these processors
            **(self._auth_env() if service == "auth" else {}),
            **self._given_env,
            MARK: str(self.run.path),
        }

    def _runtime_env(self, service: str) -> dict[str, str]:
        """Without what only migrations may know."""
        return {k: v for k, v in self.service_env(service).items() if k != "DATABASE_OWNER_URL"}

    def _auth_env(self) -> dict[str, str]:
        return {"JWT_PRIVATE_KEY": self.secrets.jwt_private_key, "ADMIN_PASSWORD": "admin123"}

    # single processes, for tests of what happens without them

    def start_server(self, name: str) -> None:
        """Starts one process (of any kind) and waits until it is ready."""
        self._start([name])
        self.wait_ready([name])

    def stop_server(self, name: str) -> None:
        """Stops it and leaves it stopped."""
        self._processes[name].stop()

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Sends a signal to it; what dies comes back."""
        self._processes[name].kill(number)

    def pid_of(self, name: str) -> int | None:
        """None while it is not running."""
        return self._processes[name].pid

    def wait_ready(self, names: Iterable[str] | None = None, timeout: float = START_SECONDS) -> None:
        """Of all that were started, or of these."""
        for name in names if names is not None else list(self._processes):
            self._processes[name].wait_ready(timeout)

    @property
    def names(self) -> list[str]:
        """Of every process that was started."""
        return list(self._processes)

    def _start(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._processes:
                self._processes[name] = Supervised(self._program(name), self.run.logs / f"{name}.log")
            self._processes[name].start()

    def _program(self, name: str) -> Program:
        match name.rsplit("-", 1):
            case [service, "api"]:
                return services.api(service, self.ports[name], self._runtime_env(service))
            case [service, "worker"]:
                return services.worker(service, self.ports[name], self._runtime_env(service))
            case ["postgres"]:
                return self.postgres.program()
            case ["nats"]:
                return self.nats.program()
            case ["object", "store"]:
                return self.object_store.program()
            case ["gateway"]:
                return self.gateway.program()
        raise KeyError(name)

    @cached_property
    def secrets(self) -> Secrets:
        return self.run.secrets()

    @cached_property
    def postgres(self) -> Postgres:
        return Postgres(self.run, self.ports["postgres"], self._password(SUPERUSER))

    @cached_property
    def nats(self) -> Nats:
        users = {user: self._password(user) for user in (*SERVICES, "operator")}
        return Nats(self.run, self.ports["nats"], self.ports["nats-monitor"], users)

    @cached_property
    def object_store(self) -> ObjectStore:
        secrets = self.secrets
        return ObjectStore(self.run, self.ports["object-store"], secrets.s3_access_key, secrets.s3_secret_key)

    @cached_property
    def gateway(self) -> Gateway:
        apis = {service: [self.ports[f"{service}-api"]] for service in SERVICES}
        return Gateway(self.run, self.ports["gateway"], apis, self.ports["object-store"])

    def _password(self, account: str) -> str:
        return self.secrets.passwords[account]


def _together(steps: Iterable[Callable[[], object]]) -> None:
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(step) for step in steps]:
            done.result()

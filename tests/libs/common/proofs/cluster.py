"""Three NATS servers as one cluster, with the configuration of a production one, made to be killed."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP

from deploy.local.nats import CONFIG, Nats
from deploy.local.process import Program, Supervised
from deploy.local.run_directory import RunDirectory, free_port

NODES = ("nats-0", "nats-1", "nats-2")
START_SECONDS = 60.0


class Cluster:
    """What is killed stays away until it is started again."""

    def __init__(self, directory: Path, passwords: dict[str, str]) -> None:
        self._routes = {name: free_port() for name in NODES}
        self._nodes = {
            name: Nats(RunDirectory(directory / name), free_port(), free_port(), passwords) for name in NODES
        }
        self._processes = {name: Supervised(self._program(name), directory / f"{name}.log") for name in NODES}

    def _program(self, name: str) -> Program:
        alone = self._nodes[name].program()
        values = {
            "NATS_NAME": name,
            "NATS_CLUSTER_PORT": self._routes[name],
            "NATS_PASSWORD_ROUTES": "between servers",
            "NATS_ROUTES": [
                f"nats://routes:between%20servers@127.0.0.1:{port}" for port in self._routes.values()
            ],
        }
        command = [alone.command[0], "-c", str(CONFIG.with_name("cluster.conf"))]
        env = {**alone.env, **{key: json.dumps(value) for key, value in values.items()}}
        return replace(alone, name=name, command=command, env=env, stop_signal=SIGKILL)

    def url(self, user: str) -> str:
        return ",".join(node.url(user) for node in self._nodes.values())

    def start(self, *names: str) -> None:
        """Returns when they are up to date with what the cluster's streams are, not yet with what is in them."""
        for name in names:
            self._processes[name].start()
        for name in names:
            self._processes[name].wait_ready(START_SECONDS)

    def kill(self, name: str) -> None:
        """`kill -9`."""
        self._processes[name].stop()

    def freeze(self, name: str) -> None:
        """Its connections stay open, and nothing answers on them: as when a machine vanishes."""
        self._processes[name].kill(SIGSTOP)

    def thaw(self, *names: str) -> None:
        for name in names:
            self._processes[name].kill(SIGCONT)


@contextmanager
def cluster(directory: Path, passwords: dict[str, str]) -> Iterator[Cluster]:
    with ExitStack() as stack:
        running = Cluster(directory, passwords)
        for name in NODES:
            stack.callback(running.kill, name)
        running.start(*NODES)
        yield running

"""Parts of a worker as processes of their own, made to be killed.

`python -m tests.libs.common.proofs.parts relay|slow-relay|feed|reaction`; variables as for a worker.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nats.aio.client import Client

from libs.common.contracts.auth import AccountRegistered
from libs.common.database import Transaction
from libs.common.event_log import Recorded
from libs.common.projector import Feed
from libs.common.reactions import Reactor, reaction
from libs.common.relay import Relay
from libs.common.service import Service
from libs.common.sql import Bound
from tests.libs.common.accounts import LISTED, Env, auth, catalog, environment

OWNER = {"relay": "auth", "slow-relay": "auth", "feed": "catalog", "reaction": "catalog"}


@reaction(AccountRegistered, durable="catalog_greeting")
async def greet(event: Recorded[AccountRegistered], tx: Transaction, service: Service[Any]) -> None:
    """Its effect is a row without a key: done twice, it shows."""
    insert = "INSERT INTO checkpoints (name) VALUES ($1 || ' ' || gen_random_uuid())"
    await tx.execute(Bound(insert, (str(event.stream_id),)))


async def main(part: str) -> None:
    async with Service.open({"auth": auth, "catalog": catalog}[OWNER[part]]) as service:
        match part:
            case "relay" | "slow-relay":
                if part == "slow-relay":
                    slow_down(service.bus.nc)
                await Relay(service).run()
            case "feed":
                await Feed(service, LISTED, "auth").run()
            case "reaction":
                await Reactor(service, greet).run()


def slow_down(nc: Client) -> None:
    """As a slow network does: a batch takes a second to leave."""
    publish = nc.publish

    async def slowly(*args: Any, **options: Any) -> None:
        await asyncio.sleep(0.002)
        await publish(*args, **options)

    nc.publish = slowly  # type: ignore[method-assign]


class Parts:
    """Running processes; one that is killed is started again."""

    def __init__(self, env: Env, names: Sequence[str], log: Path | None) -> None:
        self._env = env
        self._log = log
        self._names = names
        self.processes = [self._start(name) for name in names]

    def _start(self, part: str) -> "subprocess.Popen[bytes]":
        variables = {name.upper(): value for name, value in environment(self._env, OWNER[part]).items()}
        command = [sys.executable, "-m", "tests.libs.common.proofs.parts", part]
        log = self._log.open("ab") if self._log else None
        try:
            return subprocess.Popen(command, env={**os.environ, **variables}, stderr=log)
        finally:
            if log:
                log.close()

    def kill(self, index: int) -> None:
        """`kill -9`, and a new one in its place."""
        self.end(index)
        self.processes[index] = self._start(self._names[index])

    def kill_one(self) -> None:
        self.kill(random.randrange(len(self.processes)))

    def end(self, index: int) -> None:
        self.processes[index].kill()
        self.processes[index].wait()

    def freeze(self, index: int) -> None:
        self.processes[index].send_signal(signal.SIGSTOP)

    def thaw(self, index: int) -> None:
        self.processes[index].send_signal(signal.SIGCONT)


@contextmanager
def parts(env: Env, *names: str, log: Path | None = None) -> Iterator[Parts]:
    """Kills them all in the end; `log` takes what they write to stderr."""
    running = Parts(env, names, log)
    try:
        yield running
    finally:
        for index in range(len(names)):
            running.end(index)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

"""The running system as the benchmarks see it: the whole stack, or the parts that one of them needs."""

import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from deploy.local.stack import SERVERS, Stack
from libs.common.service import Definition, Service

UNLIMITED = {"RATE_LIMITS_ENABLED": "false"}


@contextmanager
def servers(env: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """The three servers with every service's schema, and no service process."""
    with (
        tempfile.TemporaryDirectory(prefix="vitrine-bench-") as directory,
        Stack(Path(directory), env=env) as stack,
    ):
        for server in SERVERS:
            stack.start_server(server)
        stack.provision()
        stack.migrate()
        yield stack


@contextmanager
def whole(env: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """Everything that `make up` starts."""
    with (
        tempfile.TemporaryDirectory(prefix="vitrine-bench-") as directory,
        Stack(Path(directory), env=env) as stack,
    ):
        stack.start()
        yield stack


@asynccontextmanager
async def opened(stack: Stack, definition: Definition[Any]) -> AsyncIterator[Service[Any]]:
    async with Service.open(
        definition, **definition.variables(stack.service_env(definition.name))
    ) as service:
        yield service

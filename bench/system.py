"""The running system as the benchmarks see it: the whole stack, or the parts that one of them needs."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from deploy.local.stack import SERVERS, Stack
from libs.common.service import Definition, Service

UNLIMITED = {"RATE_LIMITS_ENABLED": "false"}


@asynccontextmanager
async def servers(env: Mapping[str, str] | None = None, *processes: str) -> AsyncIterator[Stack]:
    """The three servers with every service's schema, and the processes that are named."""
    async with _stack(env) as stack:
        for server in SERVERS:
            await asyncio.to_thread(stack.start_server, server)
        stack.provision()
        await asyncio.to_thread(stack.migrate)
        for process in processes:
            await asyncio.to_thread(stack.start_server, process)
        yield stack


@asynccontextmanager
async def whole(env: Mapping[str, str] | None = None) -> AsyncIterator[Stack]:
    """Everything that `make up` starts."""
    async with _stack(env) as stack:
        await asyncio.to_thread(stack.start)
        yield stack


@asynccontextmanager
async def _stack(env: Mapping[str, str] | None) -> AsyncIterator[Stack]:
    with (
        tempfile.TemporaryDirectory(prefix="vitrine-bench-") as directory,
        Stack(Path(directory), env=env) as stack,
    ):
        yield stack


@asynccontextmanager
async def opened(stack: Stack, definition: Definition[Any]) -> AsyncIterator[Service[Any]]:
    async with Service.open(
        definition, **definition.variables(stack.service_env(definition.name))
    ) as service:
        yield service

"""Which installation a command works on: the environment's, or the stack that runs on this machine."""

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from pydantic import ValidationError

from deploy import ServiceName
from libs.common.bus import Bus
from libs.common.errors import DomainError, Unavailable
from libs.common.service import Definition, Service

if TYPE_CHECKING:
    from deploy.local.stack import Stack

T = TypeVar("T")

RUN_DIRECTORY = "VITRINE_RUN_DIR"

ServiceArgument = Annotated[ServiceName, typer.Argument()]


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a command to its end; a refusal is a line on the screen."""
    try:
        return asyncio.run(work)
    except DomainError as refusal:
        problems = [refusal.detail, *(error["msg"] for error in refusal.errors)]
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors()]
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    typer.secho("\n".join(problems), fg="red", err=True)
    raise typer.Exit(1)


@asynccontextmanager
async def opened(service: ServiceName) -> AsyncIterator[Service[Any]]:
    """The service's own connections, as one of its processes has them."""
    use_environment(service)
    definition: Definition[Any] = import_module(f"services.{service}.store").definition
    async with Service.open(definition) as connected:
        yield connected


@asynccontextmanager
async def operator_bus() -> AsyncIterator[Bus]:
    """A connection to NATS as whoever operates it."""
    url = os.environ.get("NATS_URL") or _running_stack().nats.url("operator")
    bus = await Bus.connect(url, "operator")
    try:
        if not bus.connected:
            raise Unavailable("NATS does not answer")
        yield bus
    finally:
        await bus.close()


def database_url(service: ServiceName) -> str:
    """DATABASE_URL or, without it, that of the service in the running embedded stack."""
    return os.environ.get("DATABASE_URL") or _running_stack().service_env(service)["DATABASE_URL"]


def use_environment(service: ServiceName) -> None:
    """Without DATABASE_URL, takes the variables that the running embedded stack gives this service."""
    if "DATABASE_URL" not in os.environ:
        os.environ.update(_running_stack().service_env(service))


def run_directory() -> Path:
    return Path(os.environ.get(RUN_DIRECTORY, ".vitrine"))


def _running_stack() -> "Stack":
    try:
        from deploy.local.stack import Stack
    except ImportError:
        raise Unavailable("set DATABASE_URL, NATS_URL and the other variables of the service") from None
    stack = Stack.running(run_directory())
    if stack is None:
        raise Unavailable(
            f"no stack runs in {run_directory().resolve()}, and DATABASE_URL and NATS_URL are not set"
        )
    return stack

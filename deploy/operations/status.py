"""`vitrine status`: how far every service is, what waits, and which versions run."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Annotated, Any, get_args

import asyncpg
import typer
from rich.table import Table

from deploy import ServiceName
from deploy.operations.connection import database_url, operator_bus, run
from deploy.operations.output import console
from libs.common.backlog import Lag, Queue, published_up_to, queues, unprojected, unpublished
from libs.common.bus import Bus
from libs.common.database import Database
from libs.common.dead_letters import count_dead_letters
from libs.common.errors import Unavailable
from libs.common.migrate import newest_revision
from libs.common.resilience import AWAY
from libs.common.service import VERSION, Definition
from libs.common.sql import Bound

_SOFTWARE = """
SELECT DISTINCT split_part(application_name, ' ', 2) AS version FROM pg_stat_activity
WHERE usename = $1 AND application_name LIKE $1 || ' %' ORDER BY version
"""
_REVISION = "SELECT version_num FROM alembic_version"
_END_OF_LOG = "SELECT coalesce(max(pos), 0) FROM events"


NO_LAG = Lag(0, 0.0)


@dataclass(frozen=True, slots=True)
class State:
    """What was found of one service; `unreadable` says why nothing was."""

    service: ServiceName
    software: str = ""
    schema: str = ""
    logged: int = 0
    published: int = 0
    relay: Lag = NO_LAG
    jobs: Sequence[Queue] = ()
    dead_letters: int = 0
    feeds: dict[tuple[str, str], Lag] = field(default_factory=dict)
    unreadable: str = ""


def status(
    service: Annotated[ServiceName | None, typer.Argument(help="of all if none is given")] = None,
) -> None:
    """Show what waits in every service, and which versions of software and schema run.

    With DATABASE_URL and NATS_URL, of any roles that may read, it looks there instead of at the embedded stack.
    """
    run(_status([service] if service else get_args(ServiceName)))


async def _status(services: Iterable[ServiceName]) -> None:
    async with operator_bus() as bus:
        states = [await _look(service, bus) for service in services]
    console.print(f"vitrine {VERSION}")
    console.print(_services_table(states))
    if any(state.feeds for state in states):
        console.print(_models_table(states))


async def _look(service: ServiceName, bus: Bus) -> State:
    definition: Definition[Any] = import_module(f"services.{service}.store").definition
    try:
        async with _reading(service) as db:
            published = await published_up_to(bus, service)
            return State(
                service,
                software=", ".join(r["version"] for r in await db.fetch(Bound(_SOFTWARE, (service,)))),
                schema=_compared(await db.fetchval(Bound(_REVISION, ())), newest_revision(service)),
                logged=await db.fetchval(Bound(_END_OF_LOG, ())),
                published=published,
                relay=await unpublished(db, published),
                jobs=await queues(db),
                dead_letters=await count_dead_letters(bus, service),
                feeds=await unprojected(db, bus, definition.log.read_models),
            )
    except asyncpg.PostgresError as error:
        return State(service, unreadable=f"cannot be read: {error}")


@asynccontextmanager
async def _reading(service: ServiceName) -> AsyncIterator[Database]:
    db = await Database.connect(database_url(service), service, size=1)
    try:
        yield db
    except AWAY as error:
        raise Unavailable(f"{service}'s database or NATS does not answer: {error!r}") from error
    finally:
        await db.close()


def _compared(revision: str | None, newest: str) -> str:
    return newest if revision == newest else f"{revision}, newest is {newest}"


def _services_table(states: Sequence[State]) -> Table:
    numbers = ("log at", "published", "relay lag", "jobs waiting", "running", "oldest", "dead letters")
    table = Table("service", "software", "schema")
    for name in numbers:
        table.add_column(name, justify="right")
    for state in states:
        if state.unreadable:
            table.add_row(state.service, state.unreadable, style="red")
            continue
        cells = (
            str(state.logged),
            str(state.published),
            _shown(state.relay),
            str(sum(queue.waiting for queue in state.jobs)),
            str(sum(queue.running for queue in state.jobs)),
            f"{max((queue.oldest for queue in state.jobs), default=0.0):.0f} s",
            str(state.dead_letters),
        )
        table.add_row(state.service, state.software or "not running", state.schema, *cells)
    return table


def _models_table(states: Sequence[State]) -> Table:
    table = Table("service", "read model", "fed by")
    table.add_column("lag", justify="right")
    for state in states:
        for (model, source), lag in state.feeds.items():
            table.add_row(state.service, model, source, _shown(lag))
    return table


def _shown(lag: Lag) -> str:
    return f"{lag.events} for {lag.seconds:.0f} s" if lag.events else "0"

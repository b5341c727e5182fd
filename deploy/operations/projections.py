"""`vitrine projections`: the read models, where they stand, and rebuilding them."""

from typing import Annotated

import typer
from rich.table import Table

from deploy import ServiceName
from deploy.operations.connection import ServiceArgument, opened, run
from deploy.operations.output import console
from libs.common.errors import NotFound
from libs.common.rebuild import Report, rebuild, verify
from libs.common.settings import DatabaseOwnerSettings
from libs.common.sql import Bound

app = typer.Typer(no_args_is_help=True, help="Read models.")


@app.command("list")
def list_models(service: ServiceArgument) -> None:
    """List a service's read models, what feeds them, and how far they are."""
    run(_list(service))


@app.command("rebuild")
def rebuild_model(
    service: ServiceArgument,
    name: Annotated[str, typer.Argument(help="of the read model; `all` for every one")],
    verify_only: Annotated[
        bool, typer.Option("--verify", help="compare, and leave the live tables alone")
    ] = False,
) -> None:
    """Fill a read model anew from the events, compare it with the live one, and put it in its place."""
    equal = run(_verify(service, name) if verify_only else _rebuild(service, name))
    if verify_only and not equal:
        raise typer.Exit(1)


async def _list(service: ServiceName) -> None:
    table = Table("read model", "tables", "fed by", "at sequence")
    async with opened(service) as connected:
        rows = await connected.db.fetch(Bound("SELECT name, source, seq FROM projections", ()))
        reached = {(row["name"], row["source"]): row["seq"] for row in rows}
        for model in connected.log.read_models:
            tables = ", ".join(table.name for table in model.tables)
            positions = ", ".join(str(reached.get((model.name, source), 0)) for source in model.sources)
            table.add_row(
                model.name, tables, ", ".join(model.sources) or "its own log", positions or "inline"
            )
    console.print(table)


async def _rebuild(service: ServiceName, name: str) -> bool:
    async with opened(service) as connected:
        owner_url = DatabaseOwnerSettings().database_owner_url
        models = [model for model in connected.log.read_models if name in (model.name, "all")]
        if not models:
            raise NotFound(f"{service} has no read model {name}")
        return _print([await rebuild(connected, model, owner_url) for model in models])


async def _verify(service: ServiceName, name: str) -> bool:
    async with opened(service) as connected:
        owner_url = DatabaseOwnerSettings().database_owner_url
        return _print([r for r in await verify(connected, owner_url) if name in (r.model, "all")])


def _print(reports: list[Report]) -> bool:
    """Whether all live tables were as their rebuilds."""
    table = Table("read model", "table", "rows", "missing", "unexpected", "events", "seconds")
    for report in reports:
        for found in report.tables:
            counts = (found.rows, found.missing, found.unexpected, report.events)
            table.add_row(report.model, found.table, *map(str, counts), f"{report.seconds:.2f}")
    console.print(table)
    return all(report.equal for report in reports)

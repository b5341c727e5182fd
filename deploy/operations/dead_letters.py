"""`vitrine dead-letters`: events whose reaction failed for good, and trying them again."""

from typing import Annotated

import typer
from rich.table import Table

from deploy.operations.connection import ServiceArgument, operator_bus, run
from deploy.operations.output import console
from libs.common.dead_letters import DeadLetters, replay
from libs.common.errors import DomainError

app = typer.Typer(no_args_is_help=True, help="Events whose reaction failed for good.")


@app.command("list")
def list_letters(service: ServiceArgument) -> None:
    """List a service's dead letters, the oldest first."""
    run(_list(service))


@app.command("replay")
def replay_letters(
    service: ServiceArgument,
    numbers: Annotated[
        list[int] | None, typer.Argument(help="as listed; all of them if none is given")
    ] = None,
) -> None:
    """Let the service's worker try dead letters once more; what succeeds is removed."""
    if run(_replay(service, numbers)):
        raise typer.Exit(1)


async def _list(service: str) -> None:
    table = Table("number", "since", "reaction", "event", "id", "error")
    async with operator_bus() as bus:
        for letter in await DeadLetters(bus, service).all():
            since = letter.at.isoformat(timespec="seconds") if letter.at else ""
            table.add_row(
                str(letter.seq), since, letter.durable, letter.subject, str(letter.event_id), letter.error
            )
    console.print(table)


async def _replay(service: str, numbers: list[int] | None) -> int:
    """How many failed again."""
    failed = 0
    async with operator_bus() as bus:
        for number in numbers or [letter.seq for letter in await DeadLetters(bus, service).all()]:
            try:
                done = await replay(bus, service, number)
                console.print(f"{number}: {done['durable']} has handled {done['event_id']}")
            except DomainError as refusal:
                failed += 1
                console.print(f"{number}: {refusal.detail}", style="red")
    return failed

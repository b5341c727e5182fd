"""`vitrine keys`: the keys that personal data is sealed with."""

import typer

from deploy import ServiceName
from deploy.operations.connection import ServiceArgument, opened, run

app = typer.Typer(no_args_is_help=True, help="Keys of personal data.")


@app.callback()
def keys() -> None:
    """Makes `rewrap` a subcommand although it is the only one."""


@app.command()
def rewrap(service: ServiceArgument) -> None:
    """Wrap every person's key with the first of the keys in MASTER_KEY, which then needs no other."""
    typer.echo(f"{run(_rewrap(service))} keys are wrapped with the newest master key")


async def _rewrap(service: ServiceName) -> int:
    async with opened(service) as connected, connected.transaction() as tx:
        return await connected.keys.rewrap(await tx.connection())

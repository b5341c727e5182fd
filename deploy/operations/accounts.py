"""`vitrine admin`: accounts of those who run the installation."""

from typing import Annotated

import typer

from deploy.operations.connection import opened, run

app = typer.Typer(no_args_is_help=True, help="Administrators.")


@app.callback()
def admin() -> None:
    """Makes `create` a subcommand although it is the only one."""


@app.command()
def create(
    email: str,
    username: Annotated[str | None, typer.Option()] = None,
    password: Annotated[
        str, typer.Option(envvar="PASSWORD", prompt=True, hide_input=True, confirmation_prompt=True)
    ] = "",
) -> None:
    """Make an account with the role admin; its password must be changed at the first login."""
    run(_create(email, username, password))


async def _create(email: str, username: str | None, password: str) -> None:
    from services.auth.accounts.registration import NewAccount, register

    new = NewAccount(email=email, username=username, password=password)
    async with opened("auth") as auth, auth.transaction() as tx:
        account_id = await register(tx, new, role="admin", must_change_password=True)
    typer.echo(f"{account_id} {email}")

"""`vitrine admin`: accounts, of those who run the installation and of those who leave it."""

from typing import Annotated

import typer

from deploy.operations.connection import opened, run

PLACES = ("products", "inspiration-images", "generated-assets", "tryon-results")
"""Where pictures lie, by their owner's id."""

app = typer.Typer(no_args_is_help=True, help="Accounts.")


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


@app.command("erase")
def erase_account(
    account: Annotated[str, typer.Argument(help="its id, userid, e-mail address or username")],
) -> None:
    """Forget a person: names, logins and pictures are gone for good."""
    run(_erase(account))


async def _erase(account: str) -> None:
    from services.auth.accounts.administration import find_account
    from services.auth.accounts.erasure import erase

    async with opened("auth") as auth:
        async with auth.transaction() as tx:
            account_id = await find_account(tx, account)
            await erase(tx, account_id)
        pictures = [key for place in PLACES for key in await auth.objects.keys(f"{place}/{account_id}/")]
        for key in pictures:
            await auth.objects.delete(key)
    typer.echo(f"{account_id} and {len(pictures)} pictures are erased")


async def _create(email: str, username: str | None, password: str) -> None:
    from services.auth.accounts.registration import NewAccount, register

    new = NewAccount(email=email, username=username, password=password)
    async with opened("auth") as auth, auth.transaction() as tx:
        account_id = await register(tx, new, role="admin", must_change_password=True)
    typer.echo(f"{account_id} {email}")

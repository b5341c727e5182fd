"""The `vitrine` command: run the system on this machine, look after it anywhere.

What needs the embedded stack imports it in the command itself: a production image does not contain it.
"""

import json
import logging
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
import yaml
from rich.console import Console
from rich.logging import RichHandler

from deploy import ServiceName, codes
from deploy.operations import accounts, dead_letters, events, keys, projections, status
from deploy.operations.connection import RUN_DIRECTORY, ServiceArgument, run, run_directory, use_environment
from deploy.secrets import Secrets
from libs.common import migrate as migrations
from libs.common.errors import DomainError
from libs.common.objects import ObjectStore
from libs.common.settings import DatabaseOwnerSettings, ObjectStoreSettings

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)
app.add_typer(events.app, name="events")
app.add_typer(projections.app, name="projections")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(accounts.app, name="admin")
app.add_typer(keys.app, name="keys")
app.add_typer(codes.app, name="print")
app.command()(status.status)
console = Console(highlight=False)

Port = Annotated[int, typer.Option(help="0: a free one")]


@app.callback()
def main(
    run_dir: Annotated[
        Path, typer.Option(envvar=RUN_DIRECTORY, help="data, secrets and logs of the embedded stack")
    ] = Path(".vitrine"),
) -> None:
    """Run the system on this machine, look after it anywhere."""
    os.environ[RUN_DIRECTORY] = str(run_dir)


@app.command()
def up(
    port: Annotated[int, typer.Option(help="of the gateway; 0: a free one")] = 8000,
    postgres_port: Port = 0,
    nats_port: Port = 0,
    object_store_port: Port = 0,
) -> None:
    """Start the whole system and keep it running until Ctrl-C."""
    from deploy.local.stack import Stack

    ports = {"gateway": port, "postgres": postgres_port, "nats": nats_port, "object-store": object_store_port}
    with _supervising(interrupted=0), Stack(run_directory(), ports=ports) as stack:
        stack.start()
        _greet(stack.url, stack.run.path)
        threading.Event().wait()


@app.command()
def demo(
    photo: Annotated[
        list[str], typer.Option(envvar="PHOTOS", help="of a product; instead of the samples")
    ] = [],  # noqa: B006
    output: Annotated[Path, typer.Option(help="where the pictures go")] = Path("demo-output"),
    port: Annotated[int, typer.Option(help="of the gateway, if no stack runs yet; 0: a free one")] = 8000,
    url: Annotated[
        str, typer.Option(help="of a running system; its account's password in DEMO_PASSWORD")
    ] = "",
) -> None:
    """Turn photos into a specification and pictures, over HTTP; starts the system if it does not run."""
    photos = [_existing(path) for path in photo]
    if url:
        return _demonstrate(url, os.environ["DEMO_PASSWORD"], photos, output)
    from deploy.local.stack import Stack

    with _supervising(interrupted=130), ExitStack() as running:
        stack = Stack.running(run_directory())
        if stack is None:
            stack = running.enter_context(Stack(run_directory(), ports={"gateway": port}))
            stack.start()
        return _demonstrate(stack.url, stack.secrets.passwords["demo"], photos, output)


def _demonstrate(url: str, password: str, photos: Sequence[Path], output: Path) -> None:
    from deploy.local.client import Client, Refused
    from deploy.local.demo import EMAIL, Demo, sample_subjects, subjects_of

    try:
        with Client(url) as client:
            subjects = subjects_of(photos) if photos else sample_subjects()
            Demo(client, console, output).run(subjects, EMAIL, password)
    except Refused as refused:
        _fail(str(refused))


@app.command()
def migrate(service: ServiceArgument) -> None:
    """Bring a service's schema to the newest version, as its owner; `up` does so by itself."""
    run(_migrate(service))


@app.command()
def bucket() -> None:
    """Make the bucket, private and with versions; on a bucket that is there, see to both."""
    run(_ensure_bucket())


@app.command()
def secrets(
    kubernetes: Annotated[bool, typer.Option(help="as Secrets for `kubectl apply -f -`")] = False,
    database: Annotated[
        str | None, typer.Option(help="host:port of PostgreSQL, for --kubernetes, if outside of the cluster")
    ] = None,
) -> None:
    """Print new secrets for an installation: the variables of `.env`. Without its keys, data stays sealed.

    S3_ACCESS_KEY and S3_SECRET_KEY are those of the environment, if it has them: an object store of yours.
    """
    theirs = {
        name: os.environ[name.upper()]
        for name in ("s3_access_key", "s3_secret_key")
        if name.upper() in os.environ
    }
    new = Secrets.generate().model_copy(update=theirs)
    typer.echo(yaml.safe_dump_all(new.kubernetes(database)) if kubernetes else new.dotenv())


@app.command()
def openapi(
    site: Annotated[
        Path | None, typer.Option(help="write the document there, with the pages that show it")
    ] = None,
) -> None:
    """Print the API document of all services."""
    from deploy.openapi import build, write_site

    if site is None:
        typer.echo(json.dumps(build(), indent=2))
    else:
        write_site(site)


async def _migrate(service: ServiceName) -> None:
    if "DATABASE_OWNER_URL" not in os.environ:
        use_environment(service)
    await migrations.migrate(service, DatabaseOwnerSettings().database_owner_url)


async def _ensure_bucket() -> None:
    objects = ObjectStore(ObjectStoreSettings())
    try:
        await objects.ensure_bucket()
    finally:
        await objects.close()


def _greet(url: str, directory: Path) -> None:
    console.print(
        f"\n[bold green]Vitrine is running.[/] Ctrl-C stops it and keeps the data.\n\n"
        f"  API page        {url}/docs\n"
        f"  administrator   admin / admin123 (to be changed at the first login)\n"
        f"  data and logs   {directory}\n"
    )


@contextmanager
def _supervising(interrupted: int) -> Iterator[None]:
    """The screen shows what the stack does; Ctrl-C and SIGTERM end it in order; a failure is one message."""
    from deploy.local.run_directory import AlreadyRunning, PortTaken

    handler = RichHandler(console=console, show_path=False, show_level=False, log_time_format="%H:%M:%S")
    logging.basicConfig(level=logging.WARNING, handlers=[handler], format="%(message)s")
    logging.getLogger("deploy").setLevel(logging.INFO)
    _interrupt_once()
    try:
        yield
    except KeyboardInterrupt:
        console.print(f"Stopped. The data stays in {run_directory().resolve()}.")
        raise typer.Exit(interrupted) from None
    except (AlreadyRunning, PortTaken, TimeoutError) as error:
        _fail(str(error))
    except DomainError as refusal:
        _fail(refusal.detail)


def _interrupt_once() -> None:
    """A second Ctrl-C does not disturb the order in which the first one stops everything."""

    def interrupt(*_: object) -> NoReturn:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)


def _existing(path: str) -> Path:
    if not Path(path).is_file():
        raise typer.BadParameter(f"there is no file {path}")
    return Path(path)


def _fail(message: str) -> NoReturn:
    console.print(message, style="red")
    raise typer.Exit(1)


if __name__ == "__main__":
    app()

"""`vitrine events`: the public streams as they flow, and single streams as they are stored."""

import asyncio
import os
import sys
from typing import Annotated, Any
from uuid import UUID

import orjson
import typer
import yaml

from deploy import SERVICES, ServiceName
from deploy.operations.connection import ServiceArgument, opened, operator_bus, run
from deploy.operations.output import console
from libs.common.bus import Bus
from libs.common.relay import stream_name
from libs.common.resilience import AWAY, Interrupted
from libs.common.stream_reader import reading

app = typer.Typer(no_args_is_help=True, help="What happened.")


@app.command()
def tail(
    subject: Annotated[
        str, typer.Option(help="e.g. vitrine.catalog.> or vitrine.*.job_finished.v1")
    ] = "vitrine.>",
    start: Annotated[
        int | None, typer.Option("--from", min=1, help="sequence to begin at; 1: from the beginning")
    ] = None,
    raw: Annotated[bool, typer.Option("--json", help="whole CloudEvents, one per line")] = False,
) -> None:
    """Print public events as they are published, until Ctrl-C."""
    try:
        run(_tail(subject, start, raw))
    except* BrokenPipeError:  # whoever read has seen enough; the interpreter shall not complain either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@app.command()
def show(service: ServiceArgument, stream_id: UUID) -> None:
    """Print one stream of a service's log, from its first event on."""
    run(_show(service, stream_id))


async def _tail(subject: str, start: int | None, raw: bool) -> None:
    wanted = subject.split(".", 2)[1] if "." in subject else ">"
    async with operator_bus() as bus, asyncio.TaskGroup() as group:
        for service in SERVICES:
            if wanted in (service, "*", ">"):
                rest = subject.split(".", 2)[2] if wanted != ">" else ">"
                group.create_task(_follow(bus, service, f"vitrine.{service}.{rest}", start, raw))


async def _follow(bus: Bus, service: str, subject: str, start: int | None, raw: bool) -> None:
    """Goes on behind the last message when the connection breaks; waits for a stream that is not there."""
    last = None if start is None else start - 1
    while True:
        try:
            if last is None:
                last = (await bus.js.stream_info(stream_name(service))).state.last_seq
            async with reading(bus, stream_name(service), after=last, subject=subject) as reader:
                while True:
                    for message in await reader.batch():
                        last = message.metadata.sequence.stream
                        _print(message.data, raw)
        except (*AWAY, Interrupted):
            await asyncio.sleep(0.5)


def _print(body: bytes, raw: bool) -> None:
    if raw:
        typer.echo(body)
        return
    event: dict[str, Any] = orjson.loads(body)
    data = orjson.dumps(event["data"]).decode()
    console.print(
        f"[dim]{event['time'][11:23]}[/] [bold]{event['type'].removeprefix('vitrine.')}[/] "
        f"[cyan]{event['subject']}[/] #{event['streamversion']}",
        end=" ",
    )
    console.print(data, markup=False, soft_wrap=True)


async def _show(service: ServiceName, stream_id: UUID) -> None:
    async with opened(service) as connected, connected.transaction() as tx:
        events = await connected.log.load(await tx.connection(), connected.keys, stream_id)
    for recorded in events:
        console.print(
            f"[bold]{recorded.version} {recorded.event.event_name}[/] "
            f"[dim]{recorded.recorded_at.isoformat()} {recorded.event_id} pos {recorded.pos}[/]"
        )
        content = recorded.event.model_dump(mode="json") | {"meta": recorded.meta.as_json()}
        console.print(
            yaml.safe_dump(content, sort_keys=False, allow_unicode=True), markup=False, soft_wrap=True
        )

"""A service's worker process: all that happens without a request."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from typing import Any

import uvloop

from libs.common import idempotency
from libs.common.backlog import Backlog
from libs.common.event_log import Recorded
from libs.common.jobs.engine import Engine
from libs.common.jobs.work import JobKind
from libs.common.logs import configure_logging
from libs.common.probes import serving_probes
from libs.common.projector import Feed
from libs.common.reactions import Reaction, Reactor, answer_replays
from libs.common.relay import Relay
from libs.common.resilience import end, persist
from libs.common.saturation import measuring
from libs.common.service import Definition, Service
from libs.common.telemetry import exporting

log = logging.getLogger(__name__)

PURGE_SECONDS = 3600.0
OnApplied = Callable[[Service[Any], Sequence[Recorded[Any]]], None]
Running = Callable[[Service[Any]], AbstractAsyncContextManager[None]]


def run_worker(
    definition: Definition[Any],
    *,
    reactions: Sequence[Reaction] = (),
    jobs: Sequence[JobKind[Any]] = (),
    on_applied: Mapping[str, OnApplied] | None = None,
    running: Running | None = None,
) -> None:
    """Runs until SIGTERM or SIGINT, and then lets end what is under way.

    `on_applied` is called, by read model, with the events of other services whose rows are visible now; it
    must not wait. `running` surrounds everything, as it does in the API process.
    """

    async def work() -> None:
        stopped = _stop_signal()
        async with Service.open(definition) as service:
            settings = service.settings
            process = f"{definition.name}-worker"
            configure_logging(process, settings.log_level, settings.log_dir)
            with exporting(process, settings.otel_exporter_otlp_endpoint):
                async with (
                    serving_probes(service, settings.host, settings.metrics_port),
                    measuring(service.db),
                    running(service) if running else nullcontext(),
                ):
                    await answer_replays(service, reactions)
                    await _until(stopped, _parts(service, reactions, jobs, on_applied or {}))

    uvloop.run(work())


def _parts(
    service: Service[Any],
    reactions: Sequence[Reaction],
    jobs: Sequence[JobKind[Any]],
    on_applied: Mapping[str, OnApplied],
) -> Iterator[Awaitable[None]]:
    """Everything that runs side by side; each part goes on by itself after a failure."""
    yield Relay(service).run()
    for model in service.log.read_models:
        told = on_applied.get(model.name)
        for source in model.sources:
            yield Feed(service, model, source, partial(told, service) if told else None).run()
    for reaction in reactions:
        yield Reactor(service, reaction).run()
    if jobs:
        engine = Engine(service, jobs, service.settings.job_slots, service.settings.job_timeout_seconds)
        yield persist("the job engine", engine.run)
    yield Backlog(service, reactions, [kind.name for kind in jobs]).run()
    yield persist("the clearing of old idempotency keys", partial(_purge, service))


async def _purge(service: Service[Any]) -> None:
    while True:
        await idempotency.purge(service.db)
        await asyncio.sleep(PURGE_SECONDS)


def _stop_signal() -> asyncio.Event:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped


async def _until(stopped: asyncio.Event, parts: Iterator[Awaitable[None]]) -> None:
    """Ends the parts together; each may take the time it needs to leave things in order."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    log.info("started")
    await stopped.wait()
    log.info("stopping")
    await end(tasks)
    log.info("stopped")

"""What the reactions of all services have done, as the databases keep it and the workers count it."""

from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
from nats.js.errors import NotFoundError
from prometheus_client.parser import text_string_to_metric_families

from deploy import SERVICES
from deploy.local.stack import Stack
from libs.common.bus import Bus


@dataclass
class Effects:
    """`handled` are the inboxes' rows; `done` and `repeated` count deliveries since the workers were started."""

    handled: set[tuple[Any, ...]] = field(default_factory=set)
    variants: set[tuple[Any, ...]] = field(default_factory=set)
    done: int = 0
    repeated: int = 0

    def assert_kept_by(self, later: "Effects") -> None:
        """An event that is handled again would get a new row, or another time in its row."""
        assert self.handled <= later.handled, self.handled - later.handled
        assert self.variants <= later.variants, self.variants - later.variants

    def assert_not_repeated_by(self, later: "Effects") -> None:
        """A reaction that runs again without a trace would still have been counted."""
        self.assert_kept_by(later)
        runs, events = later.done - self.done, len(later.handled) - len(self.handled)
        assert runs == events, f"reactions ran {runs} times for {events} events"


async def effects(stack: Stack) -> Effects:
    found = Effects()
    for service in SERVICES:
        url = stack.service_env(service)["DATABASE_URL"]
        con = await asyncpg.connect(url, server_settings={"search_path": service})
        try:
            found.handled |= {tuple(row) for row in await con.fetch("SELECT * FROM inbox")}
            found.variants |= {tuple(row) for row in await con.fetch("SELECT * FROM object_variants")}
        finally:
            await con.close()
        found.done += await counted(stack, service, "vitrine_reactions_total", outcome="done")
        found.repeated += await counted(stack, service, "vitrine_reactions_total", outcome="repeated")
    return found


async def reactions_are_idle(stack: Stack) -> bool:
    """Nothing is waiting for any of them."""
    bus = await Bus.connect(stack.nats.url("operator"), "proof")
    try:
        infos = [info for name in SERVICES for info in await bus.js.consumers_info(f"ev_{name}")]
    except NotFoundError:  # a stream is about to be made again
        return False
    finally:
        await bus.close()
    return not any(info.num_pending or info.num_ack_pending for info in infos if info.config.durable_name)


async def counted(stack: Stack, service: str, sample: str, **labels: str) -> int:
    """A counter of the service's worker, added up over the labels that are not given."""
    async with httpx.AsyncClient() as client:
        page = await client.get(f"http://127.0.0.1:{stack.ports[f'{service}-worker']}/metrics", timeout=60)
    return sum(
        int(found.value)
        for family in text_string_to_metric_families(page.text)
        for found in family.samples
        if found.name == sample and labels.items() <= found.labels.items()
    )

"""What must be true of the whole system after any fault: nothing lost, doubled or out of order, and every read model
equal to its rebuild."""

import asyncio
from importlib import import_module
from uuid import UUID

import orjson
from nats.js.api import ConsumerConfig, DeliverPolicy

from deploy import SERVICES
from deploy.local.stack import Stack
from libs.common.bus import Bus
from libs.common.database import Database
from libs.common.rebuild import verify
from libs.common.service import Service

PATIENCE = 60.0


async def assert_sound(stack: Stack) -> None:
    """For every service, once its events have all been published and projected."""
    for name in SERVICES:
        await _assert_published_in_order(stack, name)
    for name in SERVICES:
        await _assert_read_models_equal_their_rebuild(stack, name)


async def _assert_published_in_order(stack: Stack, name: str) -> None:
    """The stream holds exactly the log's public events, in the log's order."""
    db = await Database.connect(stack.service_env(name)["DATABASE_URL"], name)
    bus = await Bus.connect(stack.nats.url("operator"), "proof")
    try:
        log = [
            row["event_id"]
            for row in await db.pool.fetch("SELECT event_id FROM events WHERE public ORDER BY pos")
        ]
        async with asyncio.timeout(PATIENCE):
            while (await bus.js.stream_info(f"ev_{name}")).state.messages < len(log):
                await asyncio.sleep(0.1)
        assert await _published(bus, name, len(log)) == log
    finally:
        await bus.close()
        await db.close()


async def _published(bus: Bus, name: str, count: int) -> list[UUID]:
    state = (await bus.js.stream_info(f"ev_{name}")).state
    assert state.messages == count, f"{state.messages} messages for {count} events"
    config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
    reader = await bus.js.subscribe(
        f"vitrine.{name}.>", stream=f"ev_{name}", ordered_consumer=True, config=config
    )
    return [UUID(orjson.loads((await reader.next_msg(5)).data)["id"]) for _ in range(count)]


async def _assert_read_models_equal_their_rebuild(stack: Stack, name: str) -> None:
    definition = import_module(f"services.{name}.store").definition
    env = stack.service_env(name)
    async with Service.open(definition, **definition.variables(env)) as service, asyncio.timeout(PATIENCE):
        while differing := [
            report for report in await verify(service, env["DATABASE_OWNER_URL"]) if not report.equal
        ]:
            await asyncio.sleep(0.5)  # a projector may still be behind; asked again until it is not
            last = differing
        assert not differing, last

"""What must be true of the whole system after any fault: nothing lost, doubled or out of order, and every read model
equal to its rebuild."""

from importlib import import_module
from typing import Any
from uuid import UUID

import orjson
from nats.js.api import ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from deploy import SERVICES
from deploy.local.stack import Stack
from libs.common.bus import Bus
from libs.common.database import Database
from libs.common.errors import Conflict
from libs.common.rebuild import verify
from libs.common.service import Service
from tests.libs.common.waiting import eventually

PATIENCE = 60.0


async def assert_sound(stack: Stack) -> None:
    """For every service, once its events have all been published and projected."""
    await assert_published_in_order(stack)
    for name in SERVICES:
        await _assert_read_models_equal_their_rebuild(stack, name)


async def assert_published_in_order(stack: Stack) -> None:
    """Every stream holds exactly its log's public events, in the log's order."""
    for name in SERVICES:
        await assert_stream_equals_log(stack, name)


async def assert_stream_equals_log(stack: Stack, name: str) -> None:
    db = await Database.connect(stack.service_env(name)["DATABASE_URL"], name)
    bus = await Bus.connect(stack.nats.url("operator"), "proof")
    try:
        rows = await db.pool.fetch("SELECT event_id FROM events WHERE public ORDER BY pos")
        log = [row["event_id"] for row in rows]
        await eventually(lambda: _holds(bus, name, len(log)), PATIENCE)
        assert await _published(bus, name, len(log)) == log
    finally:
        await bus.close()
        await db.close()


async def _holds(bus: Bus, name: str, count: int) -> bool:
    try:
        state = (await bus.js.stream_info(f"ev_{name}")).state
    except NotFoundError:  # about to be published anew
        return False
    assert state.messages == count, f"{state.messages} messages for {count} events"
    return True


async def _published(bus: Bus, name: str, count: int) -> list[UUID]:
    config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
    reader = await bus.js.subscribe(
        f"vitrine.{name}.>", stream=f"ev_{name}", ordered_consumer=True, config=config
    )
    return [UUID(orjson.loads((await reader.next_msg(PATIENCE)).data)["id"]) for _ in range(count)]


async def _assert_read_models_equal_their_rebuild(stack: Stack, name: str) -> None:
    """A projector may still be behind: asked again until it is not."""
    definition = import_module(f"services.{name}.store").definition
    env = stack.service_env(name)
    async with Service.open(definition, **definition.variables(env)) as service:
        await eventually(lambda: _equal(service, env["DATABASE_OWNER_URL"]), PATIENCE)


async def _equal(service: Service[Any], owner_url: str) -> bool:
    try:
        reports = await verify(service, owner_url)
    except Conflict as begun_again:
        raise AssertionError(begun_again.detail) from begun_again
    differing = [report for report in reports if not report.equal]
    assert not differing, differing
    return True

"""From a commit in one service to the row in another: catalog's products in analysis' table, at 200 events/s.

Beside it the least that any such way can take: a row committed, a message acknowledged by JetStream and delivered,
another row, with nothing in between.
"""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import nats
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from uuid_utils.compat import uuid7

from bench.harness import Bar, check, report
from bench.system import opened, servers
from deploy.local.stack import Stack
from libs.common.service import Service
from services.catalog.products.domain import CreateProduct, NewProduct, products
from services.catalog.store import definition

RATE, SECONDS, ROUNDS = 200, 6, 7
OWNER = UUID(int=1)

# The row's transaction notes when it was about to commit; the writer notes when its commit was confirmed.
_CLOCK = """
CREATE TABLE analysis.applied (product_id uuid, at timestamptz);
GRANT ALL ON analysis.applied TO analysis;
CREATE FUNCTION analysis.note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO analysis.applied VALUES (NEW.product_id, clock_timestamp()); RETURN NEW; END $$;
CREATE CONSTRAINT TRIGGER note AFTER INSERT ON analysis.refs_products DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION analysis.note();
CREATE TABLE bare (id uuid PRIMARY KEY, body text);
"""
Write = Callable[[UUID], Awaitable[float]]
"""Returns when the commit was confirmed."""


async def main() -> bool:
    results: dict[str, list[float]] = {"Vitrine p99": [], "bare messages p99": [], "Vitrine p50": []}
    async with servers(None, "catalog-worker", "analysis-worker") as stack:
        admin = await asyncpg.connect(stack.postgres.superuser_url)
        await admin.execute(_CLOCK)
        async with opened(stack, definition) as catalog, _bare(stack) as bare:
            create = _create(catalog)
            for write in (create, bare):
                await _round(write, admin, 2)  # warm
            for _ in range(ROUNDS):
                ours, least = await _round(create, admin, SECONDS), await _round(bare, admin, SECONDS)
                results["Vitrine p99"].append(_percentile(ours, 0.99))
                results["Vitrine p50"].append(_percentile(ours, 0.5))
                results["bare messages p99"].append(_percentile(least, 0.99))
        await admin.close()
    title = f"commit to the row in another service, {RATE} events/s, rounds of {SECONDS} s"
    report(title, "ms", results, [Bar("Vitrine p99", "bare messages p99", 3.0, lower=True)])
    return check("p99", statistics.median(results["Vitrine p99"]), "ms", 10)


def _percentile(delays: list[float], share: float) -> float:
    return delays[int(len(delays) * share)]


def _create(catalog: Service[Any]) -> Write:
    async def create(product_id: UUID) -> float:
        command = CreateProduct(
            owner_id=OWNER, slug=f"p-{product_id}", details=NewProduct(title=f"Product {product_id}")
        )
        async with catalog.transaction() as tx:
            await tx.handle(products, product_id, command)
        return time.time()

    return create


@asynccontextmanager
async def _bare(stack: Stack) -> AsyncIterator[Write]:
    """Without an outbox: the writer itself publishes after its commit, and a crash between the two loses it."""
    writers = await asyncpg.create_pool(stack.postgres.superuser_url, min_size=5, max_size=5)
    reader = await asyncpg.connect(
        stack.postgres.superuser_url, server_settings={"synchronous_commit": "off"}
    )
    nc = await nats.connect(stack.nats.url("operator"))
    js = nc.jetstream()
    await js.add_stream(name="bare", subjects=["bare"])
    config = ConsumerConfig(ack_policy=AckPolicy.NONE, deliver_policy=DeliverPolicy.NEW)

    async def consume() -> None:
        rows = await js.subscribe("bare", config=config)
        async for message in rows.messages:
            insert = "INSERT INTO analysis.applied VALUES ($1, clock_timestamp())"
            await reader.execute(insert, UUID(message.data[:36].decode()))

    async def write(row_id: UUID) -> float:
        await writers.execute("INSERT INTO bare VALUES ($1, $2)", row_id, "x" * 500)
        committed = time.time()
        await js.publish("bare", str(row_id).encode() + b"x" * 500)
        return committed

    consumer = asyncio.create_task(consume())
    yield write
    consumer.cancel()
    await nc.close()
    await reader.close()
    await writers.close()


async def _round(write: Write, admin: asyncpg.Connection, seconds: float) -> list[float]:
    """Delays in ms, sorted."""
    committed: dict[UUID, float] = {}
    start = time.perf_counter()

    async def one() -> None:
        row_id = uuid7()
        committed[row_id] = await write(row_id)

    async with asyncio.TaskGroup() as group:
        for number in range(int(RATE * seconds)):
            await asyncio.sleep(start + number / RATE - time.perf_counter())
            group.create_task(one())
    while await admin.fetchval("SELECT count(*) FROM analysis.applied") < len(committed):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    applied = await admin.fetch("DELETE FROM analysis.applied RETURNING product_id, at")
    return sorted(1000 * (row["at"].timestamp() - committed[row["product_id"]]) for row in applied)

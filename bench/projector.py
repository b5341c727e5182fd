"""From a commit in one service to the row in another: catalog's products in analysis' table, at 200 events/s."""

import asyncio
import statistics
import time
from typing import Any
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from bench.harness import check
from bench.system import opened, servers
from libs.common.service import Service
from services.catalog.products.domain import CreateProduct, NewProduct, products
from services.catalog.store import definition

RATE, SECONDS, ROUNDS = 200, 6, 7
OWNER = UUID(int=1)

# The row's transaction notes when it was about to commit; the appender notes when its commit was confirmed.
_CLOCK = """
CREATE TABLE analysis.applied (product_id uuid, at timestamptz);
GRANT ALL ON analysis.applied TO analysis;
CREATE FUNCTION analysis.note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO analysis.applied VALUES (NEW.product_id, clock_timestamp()); RETURN NEW; END $$;
CREATE CONSTRAINT TRIGGER note AFTER INSERT ON analysis.refs_products DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION analysis.note();
"""


async def main() -> bool:
    async with servers(None, "catalog-worker", "analysis-worker") as stack:
        admin = await asyncpg.connect(stack.postgres.superuser_url)
        await admin.execute(_CLOCK)
        async with opened(stack, definition) as catalog:
            await _round(catalog, admin, 2)  # warm
            rounds = [await _round(catalog, admin, SECONDS) for _ in range(ROUNDS)]
        await admin.close()
    print(
        f"\ncommit to the row in another service ({RATE} events/s, median of {ROUNDS} rounds of {SECONDS} s)"
    )
    print(f"  p50 {statistics.median(delays[len(delays) // 2] for delays in rounds):.1f} ms")
    return check("p99", statistics.median(delays[int(len(delays) * 0.99)] for delays in rounds), "ms", 10)


async def _round(catalog: Service[Any], admin: asyncpg.Connection, seconds: float) -> list[float]:
    """Delays in ms, sorted."""
    committed: dict[UUID, float] = {}
    start = time.perf_counter()

    async def create(number: int) -> None:
        product_id = uuid7()
        command = CreateProduct(
            owner_id=OWNER, slug=f"p-{product_id}", details=NewProduct(title=f"Product {number}")
        )
        async with catalog.transaction() as tx:
            await tx.handle(products, product_id, command)
        committed[product_id] = time.time()

    async with asyncio.TaskGroup() as group:
        for number in range(int(RATE * seconds)):
            await asyncio.sleep(start + number / RATE - time.perf_counter())
            group.create_task(create(number))
    while await admin.fetchval("SELECT count(*) FROM analysis.applied") < len(committed):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    applied = await admin.fetch("DELETE FROM analysis.applied RETURNING product_id, at")
    return sorted(1000 * (row["at"].timestamp() - committed[row["product_id"]]) for row in applied)

"""How fast a read model is filled anew from the log: the catalog's products, created and then changed."""

import asyncio
import statistics
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from bench.harness import check
from bench.system import opened, servers
from libs.common.rebuild import rebuild
from libs.common.service import Service
from services.catalog.products.domain import (
    ChangeProduct,
    CreateProduct,
    NewProduct,
    ProductChanges,
    products,
)
from services.catalog.products.products import products_model
from services.catalog.store import definition

PRODUCTS, PER_TRANSACTION, ROUNDS = 10_000, 100, 7
OWNER = UUID(int=1)


async def main() -> bool:
    async with servers() as stack, opened(stack, definition) as catalog:
        await asyncio.gather(*(_fill(catalog, writer) for writer in range(4)))
        owner_url = stack.service_env("catalog")["DATABASE_OWNER_URL"]
        reports = [await rebuild(catalog, products_model, owner_url) for _ in range(ROUNDS)]
    assert all(report.equal for report in reports), "the rebuilt rows differ from the live ones"
    rates = [report.events / report.seconds for report in reports]
    print(f"\nrebuild of a read model ({reports[0].events:,} events, median of {ROUNDS})")
    return check("events/s", statistics.median(rates), "events/s", 10_000, lower=False)


async def _fill(catalog: Service[Any], writer: int) -> None:
    """Two events per product."""
    for batch in range(PRODUCTS // PER_TRANSACTION // 4):
        async with catalog.transaction() as tx:
            for number in range(PER_TRANSACTION):
                product_id = uuid7()
                details = NewProduct(
                    title=f"Product {writer}-{batch}-{number}", category="mugs", tags=["blue"]
                )
                create = CreateProduct(owner_id=OWNER, slug=f"p-{product_id}", details=details)
                await tx.handle(products, product_id, create)
                change = ChangeProduct(owner_id=OWNER, details=ProductChanges(status="active"))
                await tx.handle(products, product_id, change)

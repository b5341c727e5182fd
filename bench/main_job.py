"""The main job's own cost: from the upload being accepted to the picture in the gallery, at 1K.

Without the time inside the provider and the encoder, which the picture's own record tells. Variants follow later.
"""

import asyncio
import statistics
import time
from typing import Any

from bench.harness import check
from bench.system import UNLIMITED, whole
from tests.system.client import Client, photo

JOBS, WARM_UP = 15, 3


async def main() -> bool:
    async with whole(UNLIMITED) as stack, Client(stack.url) as client:
        await client.sign_in()
        for seed in range(WARM_UP):  # the provider's processes start, statements are prepared
            await _own_cost(client, seed)
        costs = [await _own_cost(client, seed) for seed in range(WARM_UP, WARM_UP + JOBS)]
    print(f"\nthe main job's own cost ({JOBS} jobs, 1K, without provider and encoder)")
    print(f"  all: {', '.join(f'{cost:.0f}' for cost in costs)} ms")
    return check("p50", statistics.median(costs), "ms", 250)


async def _own_cost(client: Client, seed: int) -> float:
    """Milliseconds."""
    product = (await client.post("/products", json={"title": f"Mug {seed}"}))["id"]
    await client.post(
        f"/products/{product}/upload-references",
        files=[("files", ("mug.png", photo(seed, 1024), "image/png"))],
    )
    start = time.perf_counter()
    analysis = await client.post(f"/products/{product}/analyze", json={})
    body = {"prompt": "on a marble countertop", "count": 1, "resolution": "1K", "seed": seed}
    await client.post(f"/products/{product}/generate", json=body)
    image = await _in_gallery(client, product)
    elapsed = 1000 * (time.perf_counter() - start)
    await _copies_are_made(client, image)
    return elapsed - await _inside_provider(client, analysis, image)


async def _in_gallery(client: Client, product: str) -> dict[str, Any]:
    while True:
        if items := (await client.get(f"/products/{product}/gallery"))["items"]:
            return dict(items[0])
        await asyncio.sleep(0.01)


async def _copies_are_made(client: Client, image: dict[str, Any]) -> None:
    """What follows one job is not to be counted to the next."""
    while "256" not in (await client.get(f"/generated-images/{image['id']}"))["variants"]:  # noqa: ASYNC110
        await asyncio.sleep(0.02)


async def _inside_provider(client: Client, analysis: dict[str, Any], image: dict[str, Any]) -> float:
    """Milliseconds that both provider calls took, as their records say."""
    provenance = await client.get(f"/generated-images/{image['id']}/provenance")
    job = await client.get(f"/jobs/{analysis['job_id']}")
    return float(provenance["call"]["latency_ms"]) + float(job["result"]["call"]["latency_ms"])

"""What our side of a provider's call costs, over real HTTP against a stub in a process of its own.

The adapter's own time is a call's without that of the same exchange by a bare HTTP client, and without decoding the
picture. The jobs are of one picture each, all at once in one worker, while the stub takes two seconds for an answer;
of several rounds the one counts in which the host gave least of the processor time that was wanted to others. A first
one, which opens connections to the database and the object store and prepares statements, does not. Plain HTTP: with
TLS every call would cost a handshake more.
"""

import asyncio
import multiprocessing
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
from uuid_utils.compat import uuid7

from bench.harness import check, processor_times
from bench.system import UNLIMITED, opened, servers
from libs.common.contracts.generation import PinnedPhoto
from libs.common.jobs import queue
from libs.common.jobs.engine import ATTEMPTS, Engine
from libs.common.messages import Meta
from libs.common.service import Service
from libs.imaging.decode import inspect
from libs.imaging.metadata import DigitalSource
from libs.providers.base import Capability, Hints, ImageBlob, ImageRequest
from libs.providers.chain import Providers
from libs.providers.directory import Choice
from libs.providers.pictures import accept
from libs.providers.settings import ProviderSettings
from libs.refs.products import Product
from services.generation.requests.acceptance import Basis, pin
from services.generation.requests.bodies import Wish
from services.generation.requests.domain import JOB_TYPE, generations
from services.generation.requests.job import generation_job
from services.generation.store import definition
from tests.libs.common.waiting import background
from tests.peers.gemini import GeminiStub
from tests.peers.openai import OpenAIStub
from tests.peers.stub import picture, serving

CALLS = 50
ADAPTER_MS = 15
JOBS = 50
ROUNDS = 7
ANSWER_SECONDS = 2.0
SLOWER = 1.3
CONNECTIONS = 20
ENV = {**UNLIMITED, "DATABASE_POOL_SIZE": str(CONNECTIONS)}
"""As an operator sets it for so many slots."""
STUBS = {"openai": OpenAIStub, "gemini": GeminiStub}
PHOTO = picture(512, 512)
BLOB = ImageBlob(PHOTO, "image/png", 512, 512)


async def main() -> bool:
    met = True
    for name in STUBS:
        async with _stub(name) as url:
            met &= await _own_time(name, url)
    async with servers(ENV) as stack, opened(stack, definition) as service:
        for name in STUBS:
            async with _stub(name, ANSWER_SECONDS) as url:
                met &= await _all_at_once(service, name, url)
    return met


@asynccontextmanager
async def _stub(name: str, delay: float = 0.0) -> AsyncIterator[str]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(name, delay, theirs))
    process.start()
    try:
        yield await asyncio.to_thread(ours.recv)
    finally:
        ours.send(None)
        await asyncio.to_thread(process.join)


def _serve(name: str, delay: float, pipe: Connection) -> None:
    with serving(STUBS[name](delay=delay)) as url:
        pipe.send(url)
        pipe.recv()


def _providers(url: str) -> Providers:
    return Providers.from_settings(
        ProviderSettings(
            openai_api_key="k", openai_base_url=f"{url}/v1", gemini_api_key="k", gemini_base_url=url
        )
    )


async def _own_time(name: str, url: str) -> bool:
    providers = _providers(url)
    request = ImageRequest("on marble", [BLOB])
    made = await providers.make(Capability.GENERATE, request, provider=name)

    async def paint() -> object:
        return await providers.make(Capability.GENERATE, request, provider=name, fallback=False)

    async def describe() -> object:
        return await providers.describe([BLOB], Hints(), provider=name, fallback=False)

    async def decode() -> object:
        return await accept(made.image.data, DigitalSource.GENERATED, {"provider": name})

    async with httpx.AsyncClient() as client:

        async def bare() -> object:
            return await client.post(f"{url}/nowhere", content=PHOTO)

        times = {step.__name__: await _p50(step) for step in (paint, describe, decode, bare)}
    await providers.aclose()
    print(f"\nthe {name} adapter's own time (p50 of {CALLS} calls)")
    print("  " + ", ".join(f"{step} {took:.1f} ms" for step, took in times.items()))
    painted = times["paint"] - times["decode"] - times["bare"]
    met = check("a picture", painted, "ms", ADAPTER_MS)
    return check("a description", times["describe"] - times["bare"], "ms", ADAPTER_MS) and met


async def _p50(step: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds."""
    times = []
    for _ in range(CALLS):
        started = time.perf_counter()
        await step()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


async def _all_at_once(service: Service[Any], name: str, url: str) -> bool:
    providers = _providers(url)
    await _round(service, providers, name)
    alone = await _calls_alone(providers, name)
    rounds = [await _round(service, providers, name) for _ in range(ROUNDS)]
    await providers.aclose()
    made = await service.db.pool.fetchval("SELECT count(*) FROM gallery WHERE provider = $1", name)
    beside, used, _ = min(rounds, key=lambda one: one.stolen)
    print(f"\n{JOBS} jobs of one picture at {JOBS} slots, {name}, {ROUNDS} times", flush=True)
    told = (f"{one.beside:.0f} ({one.stolen:.0f})" for one in sorted(rounds))
    print(f"  {', '.join(told)} % of the ideal (% of the time stolen)")
    print(f"  {1000 * used / JOBS:.0f} ms of this worker's processor time for each")
    print(f"  the same calls at once without jobs, database and object store: {alone:.0f} % of the ideal")
    ideal = check("beside the ideal", beside, "%", SLOWER * 100)
    return ideal and made == JOBS * (1 + ROUNDS)


class Round(NamedTuple):
    """`beside` the ideal in per cent; `used` seconds of this process's processor time; per cent that were `stolen`."""

    beside: float
    used: float
    stolen: float


async def _round(service: Service[Any], providers: Providers, name: str) -> Round:
    for _ in range(JOBS):
        await _accept(service, name)
    engine = Engine(service, [generation_job(providers)], slots=JOBS, timeout=120)
    ended = _completed() + JOBS
    before, started, used = processor_times(), time.perf_counter(), time.process_time()
    async with asyncio.timeout(60), background(engine.run()):
        while _completed() < ended:  # noqa: ASYNC110  # a query would be in the way of what is measured
            await asyncio.sleep(0.01)
        took, used, after = time.perf_counter() - started, time.process_time() - used, processor_times()
    assert not await service.db.pool.fetchval("SELECT count(*) FROM job_queue")
    stolen = 100 * (after.stolen - before.stolen) / (after.wanted - before.wanted) if before and after else 0
    return Round(100 * took / ANSWER_SECONDS, used, stolen)


def _completed() -> float:
    """Read from this one metric: to collect all of them takes as long as a job does."""
    labels = {"kind": JOB_TYPE, "outcome": "completed"}
    samples = (sample for metric in ATTEMPTS.collect() for sample in metric.samples)
    return next((one.value for one in samples if one.name.endswith("_count") and one.labels == labels), 0.0)


async def _calls_alone(providers: Providers, name: str) -> float:
    """Per cent of the ideal: SDK, HTTP and the check of the picture, as a limit for what the jobs can reach."""
    started = time.perf_counter()
    request = ImageRequest("on marble", [BLOB])
    await asyncio.gather(*(providers.make(Capability.GENERATE, request, provider=name) for _ in range(JOBS)))
    return (time.perf_counter() - started) / ANSWER_SECONDS * 100


async def _accept(service: Service[Any], name: str) -> None:
    owner_id, product_id, job_id = uuid4(), uuid7(), uuid7()
    key = f"products/{owner_id}/{product_id}/photo.png"
    await service.objects.put(key, PHOTO, "image/png")
    photo = PinnedPhoto(reference_id=uuid7(), key=key, sha256=inspect(PHOTO).sha256)
    product = Product(product_id=product_id, title="Mug", references=[photo])
    wish = Wish(prompt="on marble", resolution="1K", seed=1, fallback=False)  # the stub draws it once
    basis = Basis(product, [photo], None, "A mug on marble")
    model = {"openai": "gpt-image-2.6-flare", "gemini": "gemini-3.1-flash-image"}[name]
    command = pin(owner_id, basis, wish, Choice(name, model), datetime.now(UTC))
    async with service.transaction(Meta("bench", actor="bench")) as tx:
        await queue.enqueue(tx, JOB_TYPE, job_id, owner_id, 1000)
        await tx.handle(generations, job_id, command)

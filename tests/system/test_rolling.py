"""Two replicas behind the gateway, replaced one by one under load: nobody notices."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from deploy import SERVICES
from deploy.local import services
from deploy.local.gateway import Gateway
from deploy.local.process import Supervised
from deploy.local.run_directory import RunDirectory, free_port
from deploy.local.stack import START_SECONDS, Stack
from tests.system.client import Client, MainJob, assert_exactly_one_specification
from tests.system.proof import assert_sound, assert_stream_equals_log

ANSWERED = {200, 201, 202}
AWAY = {502, 503, 504}
Step = Callable[[], None]


class Replica:
    """Of one process: the stack's own, or a second one beside it."""

    def __init__(self, kill: Step, stop: Step, start: Step) -> None:
        self.kill = kill
        self.stop = stop
        self.start = start

    def replace(self) -> None:
        """As an upgrade does: SIGTERM, then another in its place."""
        self.stop()
        self.start()


@contextmanager
def second(system: Stack, name: str, port: int, gateway: Gateway, logs: Path) -> Iterator[Replica]:
    service, role = name.split("-")
    env = {key: value for key, value in system.service_env(service).items() if key != "DATABASE_OWNER_URL"}
    env["JWKS_URL"] = f"http://127.0.0.1:{gateway.port}/.well-known/jwks.json"
    program = {"api": services.api, "worker": services.worker}[role](service, port, env)
    process = Supervised(program, logs / f"{name}-2.log")

    def start() -> None:
        process.start()
        process.wait_ready(START_SECONDS)

    process.start()
    try:
        yield Replica(process.kill, process.stop, start)
    finally:
        process.stop()


def first(system: Stack, name: str) -> Replica:
    return Replica(
        lambda: system.kill(name), lambda: system.stop_server(name), lambda: system.start_server(name)
    )


@contextmanager
def doubled(system: Stack, names: tuple[str, ...], directory: Path) -> Iterator[tuple[str, list[Replica]]]:
    """A gateway before two of each process, and all of them."""
    ports = {name: free_port() for name in names}
    apis = {service: [system.ports[f"{service}-api"]] for service in SERVICES}
    for name in names:
        if name.endswith("-api"):
            apis[name.removesuffix("-api")].append(ports[name])
    gateway = Gateway(RunDirectory(directory), free_port(), apis, system.ports["object-store"])
    with ExitStack() as running:
        seconds = [
            running.enter_context(second(system, name, ports[name], gateway, directory)) for name in names
        ]
        process = Supervised(gateway.program(), directory / "gateway.log")
        process.start()
        running.callback(process.stop)
        process.wait_ready(START_SECONDS)
        for replica in seconds:
            replica.start()
        yield f"http://localhost:{gateway.port}", [first(system, name) for name in names] + seconds


@asynccontextmanager
async def load(client: Client, work: Callable[[int], Awaitable[None]]) -> AsyncIterator[None]:
    """Work and reads, one after another, until the block ends; what is begun then is finished."""
    ending = asyncio.Event()

    async def keep_working() -> None:
        for seed in itertools.count():
            await work(seed)
            if ending.is_set():
                return

    async def keep_reading() -> None:
        while not ending.is_set():
            await client.get("/products")
            await client.get("/jobs")
            await asyncio.sleep(0.05)

    async with asyncio.TaskGroup() as group:
        group.create_task(keep_working())
        group.create_task(keep_reading())
        yield
        ending.set()


async def replaced_and_killed(
    client: Client, replicas: list[Replica], victims: list[Replica], work: Callable[[int], Awaitable[None]]
) -> None:
    async with load(client, work):
        for replica in replicas:
            await asyncio.to_thread(replica.replace)
    assert Counter(client.disturbances) == Counter()
    assert set(client.answers) <= ANSWERED
    async with load(client, work):
        for replica in victims:
            await asyncio.to_thread(replica.kill)
            await asyncio.to_thread(replica.start)
    assert set(client.answers) <= ANSWERED | AWAY


@pytest.mark.timeout(300)
async def test_nobody_notices_that_a_service_is_replaced(system: Stack, tmp_path: Path) -> None:
    """The one whose requests wait longest, and whose jobs they wait for."""
    system.wait_ready()
    products: list[str] = []
    names = ("analysis-api", "analysis-worker")
    with doubled(system, names, tmp_path) as (url, replicas):
        async with Client(url) as client:
            await client.sign_in()

            async def describe(seed: int) -> None:
                products.append(await client.specification(seed))

            await replaced_and_killed(client, replicas, replicas[2:], describe)
            for product in products:
                await assert_exactly_one_specification(client, product)
    await assert_stream_equals_log(system, "analysis")


@pytest.mark.faults
@pytest.mark.timeout(1800)
async def test_nobody_notices_that_everything_is_replaced(system: Stack, tmp_path: Path) -> None:
    system.wait_ready()
    jobs: list[MainJob] = []
    names = (*services.api_names(), *services.worker_names())
    with doubled(system, names, tmp_path) as (url, replicas):
        async with Client(url) as client:
            await client.sign_in()

            async def do_the_main_job(seed: int) -> None:
                jobs.append(await client.main_job(seed))

            await replaced_and_killed(client, replicas, replicas, do_the_main_job)
            for job in jobs:
                await job.assert_exactly_one_result(client)
    await asyncio.to_thread(system.wait_ready)
    await assert_sound(system)

"""The job of an analysis under the faults it may meet; the engine's own are in tests/libs/common/jobs."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient

from libs.common.errors import Unavailable
from libs.common.jobs.engine import Engine
from libs.common.service import Service
from libs.providers.base import Analysis, Capability, Hints, ImageBlob
from libs.providers.card import Card, Model
from libs.providers.chain import Providers
from libs.providers.directory import Directory
from libs.providers.record import CallInfo
from libs.providers.specification import ProductSpec
from services.analysis.analyses.job import analysis_job
from services.analysis.specifications.domain import specifications, stream_of
from tests.libs.common.waiting import background, eventually
from tests.services.analysis.analyses.test_analyze import ASYNC, ended
from tests.services.analysis.conftest import Running
from tests.services.analysis.neighbours import MUG, Catalog


class Patient:
    """A provider that answers when it is allowed to, and counts how often it was asked."""

    name = "patient"

    def __init__(self) -> None:
        self.asked = 0
        self.allowed = asyncio.Event()

    async def describe(self, images: Sequence[ImageBlob], hints: Hints, model: str) -> Analysis[ProductSpec]:
        self.asked += 1
        await self.allowed.wait()
        return Analysis(ProductSpec(title=hints.title), CallInfo(self.name, "patience/1", 1.0))

    async def classify(self, image: ImageBlob, labels: Sequence[str], model: str) -> Any:
        raise NotImplementedError

    async def attributes(self, image: ImageBlob, names: Sequence[str], model: str) -> Any:
        raise NotImplementedError

    async def defects(self, image: ImageBlob, model: str) -> Any:
        raise NotImplementedError

    async def aclose(self) -> None:
        pass


@pytest.fixture
def patient() -> Patient:
    return Patient()


@pytest.fixture
def providers(patient: Patient) -> Providers:
    """Answers instead of the local provider, which the API pins."""
    card = Card("local", (Model("patience/1", frozenset({Capability.DESCRIBE})),), lambda: patient)
    return Providers(Directory({Capability.DESCRIBE: ("local",)}, {"local": card}))


async def test_a_running_analysis_is_cancelled(
    client: AsyncClient,
    catalog: Catalog,
    feeds: None,
    working: Running,
    owner_id: UUID,
    providers: Providers,
    patient: Patient,
) -> None:
    product_id = await catalog.product(owner_id, MUG)
    async with working(providers):
        job_id = (await client.post(f"/products/{product_id}/analyze", headers=ASYNC)).json()["job_id"]

        async def asked() -> bool:
            return patient.asked == 1

        await eventually(asked)
        assert (await client.delete(f"/jobs/{job_id}")).status_code == 204
        job = await ended(client, job_id)
    assert (job["status"], job["code"]) == ("cancelled", "cancelled")
    [attempt] = job["result"]["failed_attempts"]
    assert (attempt["step"], attempt["provider"], attempt["model"], attempt["code"]) == (
        "describe",
        "local",
        "patience/1",
        "cancelled",
    )
    assert attempt["latency_ms"] > 0
    assert (await client.get(f"/products/{product_id}/specifications")).json()["total"] == 0


async def test_an_analysis_that_takes_too_long_tells_whom_it_waited_for(
    client: AsyncClient,
    catalog: Catalog,
    feeds: None,
    owner_id: UUID,
    service: Service[Any],
    providers: Providers,
) -> None:
    """Its first attempt gets as far as the photos, the next one no further."""
    product_id = await catalog.product(owner_id, MUG)
    job_id = (await client.post(f"/products/{product_id}/analyze", headers=ASYNC)).json()["job_id"]
    async with background(Engine(service, [analysis_job(providers)], 1, 0.5).run()):
        job = await ended(client, job_id)
    assert (job["status"], job["code"]) == ("failed", "timeout")
    attempts = job["result"]["failed_attempts"]
    assert [(one["provider"], one["code"]) for one in attempts] == [("local", "timeout")] * job["attempts"]


async def test_who_waits_for_a_cancelled_analysis_is_told(
    client: AsyncClient,
    catalog: Catalog,
    feeds: None,
    owner_id: UUID,
) -> None:
    product_id = await catalog.product(owner_id, MUG)
    waiting = asyncio.create_task(client.post(f"/products/{product_id}/analyze"))

    async def listed() -> Any:
        return (await client.get("/jobs")).json()["items"]

    [job] = await eventually(listed)
    assert (await client.delete(f"/jobs/{job['id']}")).status_code == 204
    answer = await waiting
    assert (answer.status_code, answer.json()["code"]) == (409, "cancelled")


async def test_a_worker_that_dies_after_the_answer_does_not_ask_again(
    client: AsyncClient,
    catalog: Catalog,
    feeds: None,
    owner_id: UUID,
    service: Service[Any],
    providers: Providers,
    patient: Patient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It dies where it hurts most: the provider is paid, the specification is not there yet."""
    product_id = await catalog.product(owner_id, MUG)
    job_id = (await client.post(f"/products/{product_id}/analyze", headers=ASYNC)).json()["job_id"]
    patient.allowed.set()
    put, died = service.objects.put, asyncio.Event()

    async def die(*_: Any) -> str:
        died.set()
        raise Unavailable("gone")

    monkeypatch.setattr(service.objects, "put", die)
    async with background(Engine(service, [analysis_job(providers)], 1, 60).run()):
        await died.wait()
    monkeypatch.setattr(service.objects, "put", put)
    async with background(Engine(service, [analysis_job(providers)], 1, 60).run()):
        job = await ended(client, job_id)
    assert job["status"] == "completed"
    assert job["attempts"] == 2
    assert patient.asked == 1
    assert [step["step_name"] for step in job["steps"]] == ["preprocess", "describe"]
    async with service.transaction() as tx:
        known = (await tx.state(specifications, stream_of(product_id))).state
    assert [version.job_id for version in known.versions.values()] == [UUID(job_id)]

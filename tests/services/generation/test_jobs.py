"""What other services ask about generation's jobs."""

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient
from uuid_utils.compat import uuid4

from libs.common.bus import Bus
from libs.common.errors import NotFound
from tests.services.generation.neighbours import Neighbours


@pytest.fixture
async def analysis(service_env: Callable[[str], dict[str, str]]) -> AsyncIterator[Bus]:
    bus = await Bus.connect(service_env("analysis")["NATS_URL"], "analysis")
    yield bus
    await bus.close()


@pytest.fixture
async def job_id(client: AsyncClient, owner_id: UUID, neighbours: Neighbours) -> str:
    product_id = await neighbours.product(owner_id)
    answer = await client.post(f"/products/{product_id}/generate", json={"prompt": "on snow", "count": 2})
    return str(answer.json()["job_id"])


async def test_a_job_is_told_in_canonical_words(analysis: Bus, job_id: str, owner_id: UUID) -> None:
    job = await analysis.ask("generation", "job", {"job_id": job_id})
    told = {
        "job_id": job_id,
        "owner_id": str(owner_id),
        "type": "generation",
        "status": "queued",
        "progress": 0,
    }
    assert job | told == job
    assert (job["total"], job["queue_position"]) == (2, 0)


async def test_a_job_is_cancelled_for_its_owner_alone(
    analysis: Bus, client: AsyncClient, job_id: str, owner_id: UUID
) -> None:
    with pytest.raises(NotFound):
        await analysis.ask("generation", "cancel_job", {"job_id": job_id, "owner_id": str(uuid4())})
    cancel = {"job_id": job_id, "owner_id": str(owner_id)}
    await analysis.ask("generation", "cancel_job", cancel)
    seen: dict[str, Any] = (await client.get(f"/generation-requests/{job_id}")).json()
    assert (seen["status"], seen["code"]) == ("failed", "cancelled")
    assert (await analysis.ask("generation", "job", {"job_id": job_id}))["status"] == "cancelled"


async def test_an_unknown_job_is_not_found(analysis: Bus, client: AsyncClient) -> None:
    with pytest.raises(NotFound):
        await analysis.ask("generation", "job", {"job_id": str(uuid4())})

"""Jobs of all services as a client sees them."""

from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient
from uuid_utils.compat import uuid4, uuid7

from libs.common.contracts.jobs import FailedAttempt
from libs.common.jobs.lifecycle import CompleteJob, FailJob, ReportProgress, StartJob
from libs.common.service import Service
from tests.libs.common.waiting import eventually
from tests.services.analysis.conftest import Accept
from tests.services.analysis.neighbours import Generation
from tests.statements import statements

PRODUCT = UUID(int=2)
DONE = CompleteJob(result={"image_ids": [], "failures": []})


async def listed(client: AsyncClient, count: int, **query: Any) -> list[dict[str, Any]]:
    """The client's jobs, when there are so many."""

    async def enough() -> list[dict[str, Any]] | None:
        items: list[dict[str, Any]] = (await client.get("/jobs", params=query)).json()["items"]
        return items if len(items) == count else None

    items: list[dict[str, Any]] = await eventually(enough)
    return items


async def test_jobs_of_every_service_are_one_list(
    client: AsyncClient,
    stranger: AsyncClient,
    accept: Accept,
    generation: Generation,
    feeds: None,
    owner_id: UUID,
) -> None:
    first = await accept(PRODUCT)
    second = await generation.request(owner_id, PRODUCT, count=4)
    jobs = await listed(client, 2)
    assert [job["id"] for job in jobs] == [str(second), str(first)]
    assert [job["job_type"] for job in jobs] == ["generation", "specification"]
    assert [job["service"] for job in jobs] == ["generation", "analysis"]
    assert jobs[0]["progress"] == {"completed": 0, "failed": 0, "total": 4}
    assert jobs[0]["title"] == "Mug"
    assert jobs[0]["user_id"] == str(owner_id)
    assert (await stranger.get("/jobs")).json() == {
        "items": [],
        "total": 0,
        "page": 1,
        "page_size": 20,
        "pages": 0,
    }


async def test_a_list_can_be_narrowed_and_turned(
    client: AsyncClient, accept: Accept, generation: Generation, feeds: None, owner_id: UUID
) -> None:
    other = uuid4()
    made = [str(await accept(PRODUCT)), str(await accept(other))]
    generated = await generation.request(owner_id, PRODUCT)
    await generation.tell(generated, StartJob())
    await listed(client, 3)
    await listed(client, 1, status="processing")

    async def ids(**query: Any) -> list[str]:
        return [job["id"] for job in (await client.get("/jobs", params=query)).json()["items"]]

    assert await ids(type="specification") == made[::-1]
    assert await ids(status="processing") == [str(generated)]
    assert await ids(product_id=str(other)) == [made[1]]
    assert await ids(type="specification", product_id=str(PRODUCT)) == [made[0]]
    assert await ids(type="import") == []
    assert await ids(sort="created_at", limit=1, offset=1) == [made[1]]


async def test_a_list_is_read_page_by_page_with_a_cursor(
    client: AsyncClient, accept: Accept, feeds: None
) -> None:
    made = [str(await accept(PRODUCT)) for _ in range(5)]
    await listed(client, 5)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await client.get("/jobs", params={"cursor": cursor, "limit": 2})).json()
        seen += [job["id"] for job in page["items"]]
        cursor = page["next_cursor"]
    assert seen == made[::-1]


@pytest.mark.parametrize(
    "query",
    [
        {"status": "done"},
        {"product_id": "x"},
        {"limit": 101},
        {"page": 0},
        {"sort": "title"},
        {"cursor": "W10"},
        {"cursor": "WyJ4IiwieSJd"},
    ],
)
async def test_a_list_that_cannot_be_had_is_refused(client: AsyncClient, query: dict[str, Any]) -> None:
    assert (await client.get("/jobs", params=query)).status_code == 422


async def test_a_job_tells_how_far_it_is_and_what_came_of_it(
    client: AsyncClient, generation: Generation, feeds: None, owner_id: UUID
) -> None:
    job_id = await generation.request(owner_id, PRODUCT, count=2)
    for command in (StartJob(), ReportProgress(step="image-1", cost=0.04)):
        await generation.tell(job_id, command)
    await listed(client, 1)

    async def job(status: str, completed: int) -> dict[str, Any] | None:
        body: dict[str, Any] = (await client.get(f"/jobs/{job_id}")).json()
        return body if (body["status"], body["progress"]["completed"]) == (status, completed) else None

    running = await eventually(lambda: job("processing", 1))
    assert (running["attempts"], running["cost"], running["completed_at"]) == (1, 0.04, None)
    [step] = running["steps"]
    assert (step["step_name"], step["status"], step["result_data"]) == (
        "image-1",
        "completed",
        {"cost": 0.04},
    )
    assert step["duration_ms"] >= 0

    await generation.tell(job_id, CompleteJob(result={"image_ids": [], "failures": []}))
    done = await eventually(lambda: job("completed", 2))
    assert done["result"] == {"image_ids": [], "failures": []}
    assert done["completed_at"] >= done["started_at"] >= done["created_at"]


async def test_a_step_that_failed_for_good_is_not_shown_as_completed(
    client: AsyncClient, generation: Generation, feeds: None, owner_id: UUID
) -> None:
    job_id = await generation.request(owner_id, PRODUCT, count=2)
    refused = ReportProgress(step="image-1", cost=0.02, code="content_refused", detail="not this")
    for command in (StartJob(), refused, ReportProgress(step="image-2", cost=0.04), DONE):
        await generation.tell(job_id, command)
    [listed_job] = await listed(client, 1, status="completed")
    job = (await client.get(f"/jobs/{job_id}")).json()
    assert job["progress"] == listed_job["progress"] == {"completed": 2, "failed": 1, "total": 2}
    assert [(step["status"], step["error_message"]) for step in job["steps"]] == [
        ("failed", "not this"),
        ("completed", None),
    ]
    assert job["steps"][0]["result_data"]["code"] == "content_refused"
    assert job["cost"] == pytest.approx(0.06)


async def test_a_failed_job_says_who_was_asked_in_vain_and_what_it_cost(
    client: AsyncClient, generation: Generation, feeds: None, owner_id: UUID
) -> None:
    job_id = await generation.request(owner_id, PRODUCT)
    asked = FailedAttempt(provider="openai", code="provider_no_image", message="no picture", cost=0.04)
    failed = {"image-1": [asked]}
    for command in (StartJob(), FailJob(code="x", detail="y", failed_attempts=failed)):
        await generation.tell(job_id, command)
    [job] = await listed(client, 1, status="failed")
    [attempt] = job["result"]["failed_attempts"]
    assert attempt == {"step": "image-1", **asked.model_dump()}
    assert job["cost"] == 0.04


async def test_a_failed_job_says_why(
    client: AsyncClient, generation: Generation, feeds: None, owner_id: UUID
) -> None:
    job_id = await generation.request(owner_id, PRODUCT)
    await generation.tell(job_id, StartJob())
    await generation.tell(job_id, FailJob(code="content_refused", detail="no", retryable=False))
    [job] = await listed(client, 1, status="failed")
    assert (job["code"], job["error_message"], job["retryable"]) == ("content_refused", "no", False)


async def test_a_waiting_job_knows_its_place(client: AsyncClient, accept: Accept, feeds: None) -> None:
    jobs = [await accept(PRODUCT) for _ in range(3)]
    await listed(client, 3)
    places = [(await client.get(f"/jobs/{job_id}")).json()["queue_position"] for job_id in jobs]
    assert places == [0, 1, 2]


async def test_a_job_is_there_before_the_projection_is(
    client: AsyncClient, stranger: AsyncClient, accept: Accept, generation: Generation, owner_id: UUID
) -> None:
    """Without feeds: only the service that accepted it knows of it."""
    for job_id, service in (
        (await accept(PRODUCT), "analysis"),
        (await generation.request(owner_id, PRODUCT), "generation"),
    ):
        job = (await client.get(f"/jobs/{job_id}")).json()
        assert (job["id"], job["service"], job["status"]) == (str(job_id), service, "queued")
        assert job["progress"]["total"] >= 1
        assert (await stranger.get(f"/jobs/{job_id}")).status_code == 404


async def test_a_job_that_nobody_knows_does_not_exist(client: AsyncClient, generation: Generation) -> None:
    for path in (f"/jobs/{uuid7()}", f"/jobs/{uuid7()}/stream"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")
    assert (await client.delete(f"/jobs/{uuid7()}")).status_code == 404
    assert (await client.get("/jobs/7")).status_code == 422


async def test_whether_a_job_exists_is_not_known_while_a_service_is_away(client: AsyncClient) -> None:
    assert (await client.get(f"/jobs/{uuid7()}")).status_code == 503


async def test_a_waiting_job_is_cancelled_at_once_and_once(
    client: AsyncClient, stranger: AsyncClient, accept: Accept, feeds: None, service: Service[Any]
) -> None:
    job_id = await accept(PRODUCT)
    assert (await stranger.delete(f"/jobs/{job_id}")).status_code == 404
    for _ in range(2):
        assert (await client.delete(f"/jobs/{job_id}")).status_code == 204
    [job] = await listed(client, 1, status="cancelled")
    assert (job["code"], job["retryable"]) == ("cancelled", None)
    assert await service.db.pool.fetchval("SELECT count(*) FROM job_queue") == 0


async def test_what_is_over_cannot_be_cancelled(
    client: AsyncClient, generation: Generation, feeds: None, owner_id: UUID
) -> None:
    job_id = await generation.request(owner_id, PRODUCT)
    await generation.tell(job_id, FailJob(code="timeout", detail="late", retryable=True))
    answer = await client.delete(f"/jobs/{job_id}")
    assert (answer.status_code, answer.json()["code"]) == (409, "job_finished")


async def test_a_strangers_job_does_not_exist(
    client: AsyncClient, stranger: AsyncClient, accept: Accept, feeds: None
) -> None:
    job_id = await accept(PRODUCT)
    await listed(client, 1)
    for path in (f"/jobs/{job_id}", f"/jobs/{job_id}/stream"):
        assert (await stranger.get(path)).status_code == 404
    assert (await stranger.delete(f"/jobs/{job_id}")).status_code == 404


async def test_lists_and_jobs_cost_few_statements(
    client: AsyncClient, generation: Generation, feeds: None, owner_id: UUID, api: Service[Any]
) -> None:
    job_id = await generation.request(owner_id, PRODUCT)
    await generation.tell(job_id, StartJob())
    await listed(client, 1, status="processing")
    async with statements(api.db.pool) as seen:
        await client.get("/jobs")
        assert len(seen) == 1, seen
        await client.get(f"/jobs/{job_id}")
        assert len(seen) == 3, seen

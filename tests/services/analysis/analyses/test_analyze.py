"""POST /products/{id}/analyze as a client sees it, with the real catalog and the local provider behind it."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
import yaml
from httpx import AsyncClient
from uuid_utils.compat import uuid4

from libs.common.service import Service
from libs.common.sql import Bound
from services.analysis.settings import AnalysisSettings
from tests.libs.common.waiting import eventually
from tests.libs.imaging.drawings import encode, mug
from tests.services.analysis.conftest import Running
from tests.services.analysis.neighbours import MUG, Catalog
from tests.statements import statements

ASYNC = {"prefer": "respond-async"}


async def ended(client: AsyncClient, job_id: str) -> dict[str, Any]:
    """The job, when it is over."""

    async def over() -> dict[str, Any] | None:
        job: dict[str, Any] = (await client.get(f"/jobs/{job_id}")).json()
        return job if job["completed_at"] else None

    job: dict[str, Any] = await eventually(over)
    return job


async def test_photos_become_a_specification(
    client: AsyncClient, catalog: Catalog, feeds: None, working: Running, owner_id: UUID, api: Service[Any]
) -> None:
    product_id = await catalog.product(owner_id, MUG)
    async with working():
        answer = await client.post(f"/products/{product_id}/analyze")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["version"] == 1
    assert body["provider"] == "local"
    assert body["provider_fallback_from"] is None
    assert yaml.safe_load(body["yaml_content"])["confidence"] == body["confidence"]
    assert answer.headers["location"] == f"/api/v1/products/{product_id}/specifications/1"

    active = (await client.get(f"/products/{product_id}/specifications/active")).json()
    assert active["id"] == body["specification_id"]
    assert active["is_active"] is True
    assert active["image_count"] == 1
    assert active["analysis_model"] == body["model"]
    assert active["confidence_overall"] == body["confidence"]
    assert (await api.objects.get(active["s3_key"])).decode() == body["yaml_content"]

    job = (await client.get(f"/jobs/{body['job_id']}")).json()
    assert job["status"] == "completed"
    assert job["result"]["specification_id"] == body["specification_id"]
    assert job["progress"] == {"completed": 2, "failed": 0, "total": 2}
    assert [step["step_name"] for step in job["steps"]] == ["preprocess", "describe"]


async def test_who_waits_for_a_process_that_ends_gets_the_job(
    client: AsyncClient, catalog: Catalog, feeds: None, owner_id: UUID, api: Service[Any]
) -> None:
    product_id = await catalog.product(owner_id, MUG)
    waiting = asyncio.create_task(client.post(f"/products/{product_id}/analyze"))

    async def accepted() -> bool:
        return bool(
            await api.db.fetchval(Bound("SELECT true FROM job_queue WHERE owner_id = $1", (owner_id,)))
        )

    await eventually(accepted)
    assert not waiting.done()
    api.stopping.set()
    answer = await waiting
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")


async def test_who_does_not_want_to_wait_gets_the_job(
    client: AsyncClient, catalog: Catalog, feeds: None, working: Running, owner_id: UUID
) -> None:
    product_id = await catalog.product(owner_id, MUG, encode(mug(128)[0]))
    wish = {"activate": False, "use_template": False, "template_version": "1.0"}
    answer = await client.post(f"/products/{product_id}/analyze", json=wish, headers=ASYNC)
    assert answer.status_code == 202
    assert answer.headers["preference-applied"] == "respond-async"
    body = answer.json()
    assert body["status"] == "queued"
    job_url = f"/api/v1/jobs/{body['job_id']}"
    assert body["links"] == {"job": job_url, "stream": f"{job_url}/stream", "cancel": job_url}
    assert answer.headers["location"] == job_url
    async with working():
        job = await ended(client, body["job_id"])
    specification = (await client.get(f"/specifications/{job['result']['specification_id']}")).json()
    assert specification["image_count"] == 2
    assert "null" not in specification["yaml_content"]


async def test_a_known_size_gives_the_outline_a_scale(
    client: AsyncClient, catalog: Catalog, feeds: None, working: Running, owner_id: UUID
) -> None:
    product_id = await catalog.product(owner_id, MUG)
    wish = {"known_size": {"axis": "height", "value": 95, "unit": "mm"}, "marker_mm": 50}
    async with working():
        answer = await client.post(f"/products/{product_id}/analyze", json=wish)
    spec = yaml.safe_load(answer.json()["yaml_content"])
    assert spec["dimensions"]["items"][0] == {"axis": "height", "value": 95.0, "unit": "mm", "basis": "given"}
    assert spec["dimensions"]["items"][1]["basis"] == "estimated"


async def test_who_waits_too_long_gets_the_job_as_well(
    client: AsyncClient, catalog: Catalog, feeds: None, owner_id: UUID, api: Service[AnalysisSettings]
) -> None:
    api.settings = api.settings.model_copy(update={"analyze_sync_seconds": 0.2})
    product_id = await catalog.product(owner_id, MUG)
    answer = await client.post(f"/products/{product_id}/analyze")
    assert answer.status_code == 202
    job = (await client.get(f"/jobs/{answer.json()['job_id']}")).json()
    assert (job["status"], job["queue_position"]) == ("queued", 0)


async def test_only_the_chosen_photos_are_pinned(
    client: AsyncClient, catalog: Catalog, owner_id: UUID, service: Service[Any]
) -> None:
    product_id = await catalog.product(owner_id, MUG, MUG, MUG)
    first, _, third = await catalog.photo_ids(product_id)
    wish = {"image_ids": [str(third), str(first)]}
    accepted = (await client.post(f"/products/{product_id}/analyze", json=wish, headers=ASYNC)).json()
    pins = await service.db.pool.fetchval(
        "SELECT data -> 'references' FROM events WHERE stream_id = $1 AND version = 1", accepted["job_id"]
    )
    assert [(pin["reference_id"], pin["is_primary"]) for pin in pins] == [
        (str(first), True),
        (str(third), False),
    ]


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({"image_ids": [str(UUID(int=7))]}, 422, "unknown_image"),
        ({"image_ids": []}, 422, "validation_error"),
        ({"template_version": "2.0"}, 422, "validation_error"),
        ({"known_size": {"axis": "height", "value": 0}}, 422, "validation_error"),
        ({"marker_mm": -1}, 422, "validation_error"),
        ({"marker_mm": True}, 422, "validation_error"),
        ({"provider": "nobody"}, 422, "unknown_provider"),
        ({"model": "nothing"}, 422, "unknown_model"),
        ({"provider": "openai", "fallback": False}, 502, "provider_not_configured"),
        ({"colour": "blue"}, 422, "validation_error"),
        ([], 422, "validation_error"),
    ],
)
async def test_a_wish_that_cannot_be_granted_is_refused(
    client: AsyncClient, catalog: Catalog, owner_id: UUID, wish: Any, status: int, code: str
) -> None:
    product_id = await catalog.product(owner_id, MUG)
    answer = await client.post(f"/products/{product_id}/analyze", json=wish)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_provider_that_does_not_exist_here_is_named_as_passed_over(
    client: AsyncClient, catalog: Catalog, feeds: None, working: Running, owner_id: UUID
) -> None:
    product_id = await catalog.product(owner_id, MUG)
    async with working():
        answer = await client.post(f"/products/{product_id}/analyze", json={"model": "gpt-5.2-2025-12-11"})
    assert answer.status_code == 200
    assert answer.json()["provider"] == "local"
    assert answer.json()["provider_fallback_from"] == "openai"


async def test_a_product_without_photos_is_refused(
    client: AsyncClient, catalog: Catalog, owner_id: UUID
) -> None:
    product_id = await catalog.product(owner_id)
    answer = await client.post(f"/products/{product_id}/analyze")
    assert (answer.status_code, answer.json()["code"]) == (409, "no_reference_images")


async def test_a_strangers_product_does_not_exist(
    client: AsyncClient, stranger: AsyncClient, catalog: Catalog, owner_id: UUID
) -> None:
    product_id = await catalog.product(owner_id, MUG)
    assert (await stranger.post(f"/products/{product_id}/analyze")).status_code == 404
    assert (await client.post(f"/products/{uuid4()}/analyze")).status_code == 404
    await catalog.delete(owner_id, product_id)
    assert (await client.post(f"/products/{product_id}/analyze")).status_code == 404


async def test_nothing_is_accepted_while_nobody_answers_for_the_product(
    client: AsyncClient, service: Service[Any]
) -> None:
    answer = await client.post(f"/products/{uuid4()}/analyze")
    assert answer.status_code == 503
    assert await service.db.pool.fetchval("SELECT count(*) FROM job_queue") == 0


async def test_a_photo_that_is_not_what_was_pinned_is_not_analysed(
    client: AsyncClient, catalog: Catalog, feeds: None, working: Running, owner_id: UUID
) -> None:
    product_id = await catalog.product(owner_id, MUG)
    accepted = (await client.post(f"/products/{product_id}/analyze", headers=ASYNC)).json()
    [key] = await catalog.service.objects.keys(f"products/{owner_id}/{product_id}/")
    await catalog.service.objects.delete(key)
    await catalog.service.objects.put(key, encode(mug(100)[0]), "image/png")
    async with working():
        job = await ended(client, accepted["job_id"])
    assert (job["status"], job["code"], job["retryable"]) == ("failed", "reference_changed", False)


async def test_a_photo_that_is_no_picture_fails_the_analysis_and_says_so(
    client: AsyncClient, catalog: Catalog, feeds: None, working: Running, owner_id: UUID
) -> None:
    product_id = await catalog.product(owner_id, b"not a picture at all")
    async with working():
        answer = await client.post(f"/products/{product_id}/analyze")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_an_image")
    active = await client.get(f"/products/{product_id}/specifications/active")
    assert (active.status_code, active.json()["code"]) == (404, "no_active_specification")


async def test_the_51st_waiting_analysis_is_refused(
    client: AsyncClient, catalog: Catalog, owner_id: UUID, service: Service[Any]
) -> None:
    product_id = await catalog.product(owner_id, MUG)
    for _ in range(50):
        assert (await client.post(f"/products/{product_id}/analyze", headers=ASYNC)).status_code == 202
    refused = await client.post(f"/products/{product_id}/analyze", headers=ASYNC)
    assert (refused.status_code, refused.json()["code"]) == (429, "queue_full")
    assert int(refused.headers["retry-after"]) >= 1
    assert await service.db.pool.fetchval("SELECT count(*) FROM job_queue") == 50


async def test_a_repeated_request_is_one_analysis(
    client: AsyncClient, catalog: Catalog, feeds: None, working: Running, owner_id: UUID
) -> None:
    product_id = await catalog.product(owner_id, MUG)
    key = {"idempotency-key": str(uuid4())}
    async with working():
        first = await client.post(f"/products/{product_id}/analyze", headers=key)
        second = await client.post(f"/products/{product_id}/analyze", headers=key)
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    listed = (await client.get(f"/products/{product_id}/specifications")).json()
    assert listed["total"] == 1


async def test_several_at_once_become_as_many_versions(
    client: AsyncClient, catalog: Catalog, feeds: None, working: Running, owner_id: UUID
) -> None:
    product_id = await catalog.product(owner_id, MUG)
    async with working():
        jobs = [
            (await client.post(f"/products/{product_id}/analyze", headers=ASYNC)).json()["job_id"]
            for _ in range(6)
        ]
        made = [(await ended(client, job_id))["result"]["version"] for job_id in jobs]
    assert sorted(made) == list(range(1, 7))
    listed = (await client.get(f"/products/{product_id}/specifications?limit=100")).json()["items"]
    assert len([item for item in listed if item["is_active"]]) == 1


async def test_accepting_costs_few_statements(
    client: AsyncClient, catalog: Catalog, owner_id: UUID, service: Service[Any], api: Service[Any]
) -> None:
    product_id = await catalog.product(owner_id, MUG)
    async with statements(api.db.pool) as seen:
        await client.post(f"/products/{product_id}/analyze", headers=ASYNC)
    assert len(seen) == 6, seen

"""What generation has stored stays readable, and what it shows is what its events say."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient

from deploy.local.postgres import Postgres
from libs.common.event_log import ReadModel
from libs.common.rebuild import rebuild
from libs.common.service import Service
from libs.common.settings import DatabaseOwnerSettings
from libs.providers.errors import ErrorCode
from services.generation.store import log
from tests.libs.common.waiting import eventually
from tests.schema import declared_and_migrated
from tests.services.generation.conftest import Working
from tests.services.generation.neighbours import Neighbours
from tests.services.generation.studio import Studio
from tests.stored import read, versions_of, without_later_fields

SAMPLES = sorted((Path(__file__).parent / "events").glob("*.json"))


def test_every_version_of_every_event_has_a_sample() -> None:
    assert {path.stem.partition("+")[0] for path in SAMPLES} == versions_of(log)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_stored_event_is_read_as_it_was_meant(path: Path) -> None:
    stored = json.loads(path.read_text())
    understood = json.loads(read(log, path).model_dump_json())
    assert without_later_fields(understood, stored) == stored


@pytest.mark.parametrize("model", log.read_models, ids=lambda model: model.name)
async def test_the_migrated_schema_is_the_declared_one(postgres: Postgres, model: ReadModel) -> None:
    declared, migrated = await declared_and_migrated(postgres, "generation", model)
    assert declared == migrated


async def test_every_inline_read_model_equals_its_rebuild(
    client: AsyncClient,
    owner_id: UUID,
    neighbours: Neighbours,
    service: Service[Any],
    working: Working,
    studio: Studio,
) -> None:
    """With generations that were completed, completed in part, failed, cancelled and left waiting."""
    product_id = await neighbours.product(owner_id)
    path = f"/products/{product_id}"
    studio.failures = {3: [ErrorCode.REFUSED], 0: [ErrorCode.UNAVAILABLE]}
    for count in (4, 2, 1):
        await client.post(f"{path}/generate", json={"prompt": "on snow", "count": count})
    cancelled = await client.post(f"{path}/generate", json={"prompt": "on snow"})
    await client.delete(cancelled.headers["location"].removeprefix("/api/v1"))
    for number in range(5):
        await client.post(
            "/projects", data={"brand_name": f"Brand {number}", "brief": "coffee", "count": "1"}
        )
    async with working(studio.providers()):
        await eventually(lambda: _over(client, path))
        await eventually(lambda: _designed(client))
        [brand, *_] = (await client.get("/projects")).json()["items"]
        [logo] = (await client.get(f"/projects/{brand['id']}/assets")).json()["items"]
        await client.post(f"/assets/{logo['id']}/refine", json={"instruction": "bluer"})
    await client.post(f"{path}/generate", json={"prompt": "on snow", "allow_without_spec": True})
    for number, image in enumerate((await client.get(f"{path}/gallery")).json()["items"]):
        image_path = f"/generated-images/{image['id']}"
        await client.patch(image_path, json={"rating": number % 6, "label": f"number {number}"})
        if number % 2:
            await client.delete(image_path)
        if number % 4 == 3:
            await client.post(f"{image_path}/restore")
    lists = [f"{path}/gallery", f"{path}/generations", "/projects", f"/projects/{brand['id']}/assets"]
    before = [(await client.get(one)).json() for one in lists]
    owner_url = DatabaseOwnerSettings().database_owner_url
    for model in service.log.inline:
        report = await rebuild(service, model, owner_url)
        assert report.equal, report
        assert all(table.rows >= 5 for table in report.tables), report
    assert [(await client.get(one)).json() for one in lists] == before


async def _over(client: AsyncClient, path: str) -> bool:
    listed = (await client.get(f"{path}/generations")).json()["items"]
    return all(one["status"] in ("completed", "failed") for one in listed)


async def _designed(client: AsyncClient) -> bool:
    listed = (await client.get("/projects")).json()["items"]
    return all(one["status"] == "completed" for one in listed)

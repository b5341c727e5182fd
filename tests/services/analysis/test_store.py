"""What analysis has stored stays readable, and what it shows is what its events say."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient

from deploy.local.postgres import Postgres
from libs.common.event_log import ReadModel
from libs.common.jobs.lifecycle import CompleteJob, FailJob, ReportProgress, StartJob
from libs.common.rebuild import rebuild
from libs.common.service import Service
from libs.common.settings import DatabaseOwnerSettings
from libs.refs import products as refs
from services.analysis.jobs import activity
from services.analysis.specifications import versions
from services.analysis.store import log
from tests.libs.common.waiting import eventually
from tests.schema import declared_and_migrated
from tests.services.analysis.analyses.test_analyze import ASYNC, ended
from tests.services.analysis.conftest import Running
from tests.services.analysis.neighbours import MUG, Catalog, Generation
from tests.stored import read, versions_of, without_later_fields

SAMPLES = sorted((Path(__file__).parent / "events").glob("*.json"))


def test_every_version_of_every_event_has_a_sample() -> None:
    assert {path.stem.partition("+")[0] for path in SAMPLES} == versions_of(log)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_stored_event_is_read_as_it_was_meant(path: Path) -> None:
    stored = json.loads(path.read_text())
    understood = read(log, path).model_dump(mode="json")
    assert without_later_fields(understood, stored) == stored


@pytest.mark.parametrize("model", log.read_models, ids=lambda model: model.name)
async def test_the_migrated_schema_is_the_declared_one(postgres: Postgres, model: ReadModel) -> None:
    declared, migrated = await declared_and_migrated(postgres, "analysis", model)
    assert declared == migrated


async def test_every_read_model_equals_its_rebuild(
    client: AsyncClient,
    catalog: Catalog,
    generation: Generation,
    feeds: None,
    working: Running,
    owner_id: UUID,
    service: Service[Any],
) -> None:
    """With jobs of both services that completed, failed, were cancelled and wait, and a deleted product."""
    product_id, deleted_id = [await catalog.product(owner_id, MUG) for _ in range(2)]
    path = f"/products/{product_id}"
    async with working():
        for where in (path, path, f"/products/{deleted_id}"):
            assert (await client.post(f"{where}/analyze")).status_code == 200
    await client.put(f"{path}/specifications/1", json={"yaml_content": "title: Mug"})
    await client.post(f"{path}/specifications/1/activate")
    await catalog.delete(owner_id, deleted_id)
    await client.post(f"{path}/analyze", headers=ASYNC)
    cancelled = (await client.post(f"{path}/analyze", headers=ASYNC)).json()["job_id"]
    await client.delete(f"/jobs/{cancelled}")
    await _generate(generation, owner_id, product_id)
    await ended(client, cancelled)

    async def state() -> list[Any]:
        paths = ("/jobs", f"{path}/specifications", f"/products/{deleted_id}/specifications")
        answers = [await client.get(where) for where in paths]
        return [(answer.status_code, answer.json()) for answer in answers]

    async def caught_up() -> bool:
        listed, _, hidden = await state()
        return bool(listed[1]["total"] == 7 and hidden[0] == 404)

    await eventually(caught_up)
    before = [answer for _, answer in (await state())[:2]]
    owner_url = DatabaseOwnerSettings().database_owner_url
    for model in (versions.read_model, activity.read_model, refs.read_model):
        report = await rebuild(service, model, owner_url)
        assert report.equal, report
        assert report.events > 0
    assert [answer for _, answer in (await state())[:2]] == before


async def _generate(generation: Generation, owner_id: UUID, product_id: UUID) -> None:
    completed = await generation.request(owner_id, product_id, count=2)
    failed = await generation.request(owner_id, product_id)
    for command in (StartJob(), ReportProgress(step="image-1", cost=0.04)):
        await generation.tell(completed, command)
    await generation.tell(completed, CompleteJob(result={"image_ids": [], "failures": []}))
    await generation.tell(failed, FailJob(code="content_refused", detail="no"))

"""What the catalog has stored stays readable, and what it shows is what its events say."""

import asyncio
import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient
from uuid_utils.compat import uuid7

from deploy.local.postgres import Postgres
from libs.common import changes
from libs.common.contracts.analysis import JobFinished, JobQueued
from libs.common.database import connect
from libs.common.event_log import ReadModel, Recorded
from libs.common.messages import Meta
from libs.common.rebuild import rebuild
from libs.common.service import Service
from libs.common.settings import DatabaseOwnerSettings
from services.catalog.products.analyses import running_analyses_model
from services.catalog.settings import CatalogSettings
from services.catalog.store import log
from tests.schema import declared_and_migrated
from tests.services.catalog.requests import create, send
from tests.stored import read, versions_of

SAMPLES = sorted((Path(__file__).parent / "events").glob("*.json"))


def test_every_version_of_every_event_has_a_sample() -> None:
    assert {path.stem for path in SAMPLES} == versions_of(log)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_stored_event_is_read_as_it_was_meant(path: Path) -> None:
    stored = json.loads(path.read_text())
    understood = json.loads(read(log, path).model_dump_json())
    assert {field: understood[field] for field in stored} == stored


@pytest.mark.parametrize("model", log.read_models, ids=lambda model: model.name)
async def test_the_migrated_schema_is_the_declared_one(postgres: Postgres, model: ReadModel) -> None:
    declared, migrated = await declared_and_migrated(postgres, "catalog", model)
    assert declared == migrated


async def act(client: AsyncClient, product_id: str, dice: random.Random) -> None:
    """One request of any kind; what it is refused does not matter here."""
    path = f"/products/{product_id}"
    photos = (await client.get(f"{path}/references")).json().get("items") or [{"id": str(uuid7())}]
    photo = f"{path}/references/{dice.choice(photos)['id']}"
    match dice.randrange(7):
        case 0:
            await client.patch(path, json={"title": f"Mug {dice.random()}", "tags": ["a"]})
        case 1:
            await client.patch(path, json={"description": None, "metadata": {str(dice.randrange(3)): 1}})
        case 2:
            await client.delete(path)
        case 3:
            await client.post(f"{path}/restore")
        case 4:
            await client.patch(photo, json={"is_primary": True, "display_order": dice.randrange(5)})
        case 5:
            await client.delete(photo)
        case _:
            await send(client, product_id)


async def test_every_inline_read_model_equals_its_rebuild(
    client: AsyncClient, service: Service[CatalogSettings], owner_id: UUID
) -> None:
    product_ids = [(await create(client))["id"] for _ in range(5)]
    dice = [random.Random(seed) for seed in range(5)]
    for _ in range(12):
        await asyncio.gather(*map(act, [client] * 5, product_ids, dice))
    before = (await client.get("/products")).json()
    owner_url = DatabaseOwnerSettings().database_owner_url
    for model in service.log.inline:
        report = await rebuild(service, model, owner_url)
        assert report.equal, report
        assert report.events >= 25
    assert (await client.get("/products")).json() == before


async def feed(settings: CatalogSettings, stream_id: UUID, *events: Any) -> None:
    """Applies events of analysis as the projector does."""
    con = await connect(settings.database_url, "catalog")
    recorded = [
        Recorded(n, uuid7(), stream_id, "analysis", n, datetime.now(UTC), event, Meta())
        for n, event in enumerate(events, 1)
    ]
    await changes.run(con, changes.rounds(running_analyses_model.project, recorded))
    await con.close()


async def test_a_product_is_shown_as_processing_while_it_is_analysed(
    client: AsyncClient, owner_id: UUID, settings: CatalogSettings
) -> None:
    product = await create(client)
    path = f"/products/{product['id']}"
    before = await client.get(path)
    queued = JobQueued(
        owner_id=owner_id, job_type="specification", title="Mug", product_id=UUID(product["id"]), total=5
    )
    jobs = uuid7(), uuid7()
    for job_id in jobs:
        await feed(settings, job_id, queued)
    during = await client.get(path, headers={"if-none-match": before.headers["etag"]})
    assert (during.status_code, during.json()) == (200, product | {"status": "processing"})
    assert (await client.get("/products?status=processing")).json()["total"] == 1
    assert (await client.get("/products?status=draft")).json()["total"] == 0
    headers = {"if-match": before.headers["etag"]}
    changed = await client.patch(path, json={"category": "x"}, headers=headers)
    assert (changed.status_code, changed.json()["status"]) == (200, "processing")
    for status, job_id in zip(("completed", "failed"), jobs, strict=True):
        assert (await client.get(path)).json()["status"] == "processing"
        await feed(settings, job_id, JobFinished(owner_id=owner_id, status=status))
    assert (await client.get(path)).json()["status"] == "draft"

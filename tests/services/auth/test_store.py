"""What auth has stored stays readable, and what it shows is what its events say."""

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from httpx import AsyncClient

from deploy.local.postgres import Postgres
from libs.common.event_log import ReadModel
from libs.common.messages import Event
from libs.common.rebuild import rebuild
from libs.common.service import Service
from libs.common.settings import DatabaseOwnerSettings
from services.auth.settings import AuthSettings
from services.auth.store import log
from services.auth.tables import tables
from tests.schema import declared_and_migrated
from tests.services.auth.conftest import Person, register

SAMPLES = sorted((Path(__file__).parent / "events").glob("*.json"))
OWNER = UUID("00000000-0000-7000-8000-000000000001")
KEY = AESGCM(b"k" * 32)
"""The samples' personal fields are sealed with it."""
PERSONAL = {
    "account_registered": {"email": "ada@example.com", "username": "ada", "full_name": "Ada Lovelace"},
}
PLAIN_TABLES = ReadModel("plain", tuple(tables.tables.values()), lambda _: ())


def test_every_version_of_every_event_has_a_sample() -> None:
    names = {f"{name}.v{n}" for name, kind in log.types.items() for n in range(1, kind.schema_version + 1)}
    assert {f"auth.{path.stem}" for path in SAMPLES} == names


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_stored_event_is_read_as_it_was_meant(path: Path) -> None:
    personal = PERSONAL.get(path.stem.split(".")[0], {})
    stored = json.loads(path.read_text())
    assert json.loads(read(path, {OWNER: KEY}).model_dump_json()) == stored | personal


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_an_erased_subjects_event_is_read_without_personal_data(path: Path) -> None:
    personal = PERSONAL.get(path.stem.split(".")[0], {})
    stored = json.loads(path.read_text())
    assert json.loads(read(path, {}).model_dump_json()) == stored | dict.fromkeys(personal)


def read(path: Path, keys: dict[UUID, AESGCM]) -> Event:
    name, version = path.stem.split(".v")
    row = {
        "pos": 1,
        "event_id": UUID(int=1),
        "stream_id": OWNER,
        "stream_type": "account",
        "version": 1,
        "recorded_at": datetime(2026, 1, 18, tzinfo=UTC),
        "type": f"auth.{name}",
        "schema_ver": int(version),
        "data": json.loads(path.read_text()),
        "meta": {"correlation_id": "c"},
    }
    event: Event = log.decode(row, keys).event
    return event


@pytest.mark.parametrize("model", [*log.read_models, PLAIN_TABLES], ids=lambda model: model.name)
async def test_the_migrated_schema_is_the_declared_one(postgres: Postgres, model: ReadModel) -> None:
    declared, migrated = await declared_and_migrated(postgres, "auth", model)
    assert declared == migrated


async def test_every_read_model_equals_its_rebuild(
    client: AsyncClient, service: Service[AuthSettings], admin: dict[str, str], variables: dict[str, str]
) -> None:
    changes = [{"role": "admin"}, {"is_active": False, "reason": "spam"}, {"is_active": True}]
    for count in range(4):
        person: Person = await register(client)
        for change in changes[:count]:
            await client.patch(f"/admin/users/{person.id}", json=change, headers=admin)
    before = (await client.get("/admin/users", headers=admin)).json()
    owner_url = DatabaseOwnerSettings(database_owner_url=variables["DATABASE_OWNER_URL"]).database_owner_url
    for model in service.log.inline:
        report = await rebuild(service, model, owner_url)
        assert report.equal, report
        assert report.events >= 10
    assert (await client.get("/admin/users", headers=admin)).json() == before

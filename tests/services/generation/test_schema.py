import pytest

from deploy.local.postgres import Postgres
from libs.common.event_log import ReadModel
from services.generation.store import log
from tests.schema import declared_and_migrated


@pytest.mark.parametrize("model", log.read_models, ids=lambda model: model.name)
async def test_the_migrated_schema_is_the_declared_one(postgres: Postgres, model: ReadModel) -> None:
    declared, migrated = await declared_and_migrated(postgres, "generation", model)
    assert declared == migrated

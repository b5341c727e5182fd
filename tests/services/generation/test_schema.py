from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

from deploy.local.postgres import Postgres
from libs.common.event_log import ReadModel
from services.generation.store import log

SHAPE = r"""
SELECT c.relname || '.' || a.attname,
       format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = $1::text::regnamespace AND c.relname = ANY($2) AND c.relkind = 'r'
UNION ALL
SELECT i.indexname, replace(i.indexdef, $1::text || '.', '')
FROM pg_indexes i WHERE i.schemaname = $1::text AND i.tablename = ANY($2)
"""


@pytest.mark.parametrize("model", log.read_models, ids=lambda model: model.name)
async def test_the_migrated_schema_is_the_declared_one(postgres: Postgres, model: ReadModel) -> None:
    """A rebuild makes its shadow tables from the declaration, so the two must not drift apart."""
    names = [table.name for table in model.tables]
    con = await asyncpg.connect(postgres.superuser_url, server_settings={"search_path": "declared"})
    await con.execute("DROP SCHEMA IF EXISTS declared CASCADE; CREATE SCHEMA declared")
    await con.execute(";".join(_ddl(model)))
    declared = dict(await con.fetch(SHAPE, "declared", names))
    migrated = dict(await con.fetch(SHAPE, "generation", names))
    await con.execute("DROP SCHEMA declared CASCADE")
    await con.close()
    assert declared == migrated


def _ddl(model: ReadModel) -> list[str]:
    statements: list[str] = []

    def write(clause: Any, *_: Any, **__: Any) -> None:
        statements.append(str(clause.compile(dialect=engine.dialect)))

    engine = sa.create_mock_engine("postgresql+asyncpg://", write)
    model.tables[0].metadata.create_all(engine, tables=model.tables, checkfirst=False)
    return statements

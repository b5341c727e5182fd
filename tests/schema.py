"""Compares a migrated table with its declaration: a rebuild makes its shadow tables from the declaration."""

from typing import Any

import asyncpg
import sqlalchemy as sa

from deploy.local.postgres import Postgres
from libs.common.event_log import ReadModel

Shape = dict[str, str]
"""Columns and indexes by name, with what defines them."""

_SHAPE = r"""
SELECT c.relname || '.' || a.attname,
       format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = $1::text::regnamespace AND c.relname = ANY($2) AND c.relkind = 'r'
UNION ALL
SELECT i.indexname, replace(i.indexdef, $1::text || '.', '')
FROM pg_indexes i WHERE i.schemaname = $1::text AND i.tablename = ANY($2)
"""


async def declared_and_migrated(postgres: Postgres, schema: str, model: ReadModel) -> tuple[Shape, Shape]:
    """The tables of a read model as SQLAlchemy would make them, and as the migrations of `schema` did."""
    names = [table.name for table in model.tables]
    con = await asyncpg.connect(postgres.superuser_url, server_settings={"search_path": "declared"})
    try:
        await con.execute("DROP SCHEMA IF EXISTS declared CASCADE; CREATE SCHEMA declared")
        await con.execute(";".join(_ddl(model)))
        declared = dict(await con.fetch(_SHAPE, "declared", names))
        migrated = dict(await con.fetch(_SHAPE, schema, names))
        await con.execute("DROP SCHEMA declared CASCADE")
    finally:
        await con.close()
    return declared, migrated


def _ddl(model: ReadModel) -> list[str]:
    statements: list[str] = []

    def write(clause: Any, *_: Any, **__: Any) -> None:
        statements.append(str(clause.compile(dialect=engine.dialect)))

    engine = sa.create_mock_engine("postgresql+asyncpg://", write)
    model.tables[0].metadata.create_all(engine, tables=model.tables, checkfirst=False)
    return statements

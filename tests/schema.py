"""Compares a migrated table with its declaration: a rebuild makes its shadow tables from the declaration."""

import asyncpg

from deploy.local.postgres import Postgres
from libs.common.event_log import ReadModel
from libs.common.rebuild import definition_of

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
    """The tables of a read model as a rebuild makes them, and as the migrations of `schema` did."""
    names = [table.name for table in model.tables]
    con = await asyncpg.connect(postgres.superuser_url, server_settings={"search_path": "declared"})
    try:
        await con.execute("DROP SCHEMA IF EXISTS declared CASCADE; CREATE SCHEMA declared")
        await con.execute(";".join(statement for table in model.tables for statement in definition_of(table)))
        declared = dict(await con.fetch(_SHAPE, "declared", names))
        migrated = dict(await con.fetch(_SHAPE, schema, names))
        await con.execute("DROP SCHEMA declared CASCADE")
    finally:
        await con.close()
    return declared, migrated

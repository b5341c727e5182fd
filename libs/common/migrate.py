"""Schema migrations: one Alembic history per service, run as the schema's owner.

`python -m libs.common.migrate catalog` (or `vitrine migrate`) brings a service's schema to the newest version.
"""

import asyncio
import sys
from pathlib import Path

import sqlalchemy as sa
from alembic import context, op
from alembic.config import Config
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from libs.common.errors import Conflict
from libs.common.settings import DatabaseOwnerSettings

CORE = Path(__file__).parent / "migrations"
SERVICES = Path(__file__).parents[2] / "services"


def core_sql(name: str, schema: str, runtime: str) -> str:
    """The shared tables' SQL for one schema; `name` is a file under `libs/common/migrations`."""
    return (CORE / f"{name}.sql").read_text().replace("{schema}", schema).replace("{runtime}", runtime)


def apply_core(name: str) -> None:
    """For a service's migration: applies a shared step to the schema being migrated."""
    schema = context.config.attributes["schema"]
    script = core_sql(name, schema, runtime=schema)
    op.get_bind().connection.dbapi_connection.run_async(lambda driver: driver.execute(script))  # type: ignore[union-attr]


def run_env() -> None:
    """The body of every service's Alembic `env.py`."""
    connection: sa.Connection = context.config.attributes["connection"]
    schema: str = context.config.attributes["schema"]
    context.configure(connection=connection, target_metadata=None, version_table_schema=schema)
    with context.begin_transaction():
        context.run_migrations()


async def migrate(service: str, owner_url: str) -> None:
    """Upgrades to the newest version; waits for another migration of the same service instead of racing it.

    Raises Conflict for a schema that other software, a newer one say, has brought further.
    """
    from alembic import command
    from alembic.util.exc import CommandError

    engine = create_async_engine(
        owner_url.replace("postgresql://", "postgresql+asyncpg://", 1),
        poolclass=NullPool,
        connect_args={"server_settings": {"search_path": service}},
    )
    config = _config(service)

    def upgrade(connection: sa.Connection) -> None:
        connection.execute(
            sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:k, 0))"), {"k": f"migrate:{service}"}
        )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    try:
        async with engine.begin() as connection:
            await connection.run_sync(upgrade)
    except CommandError as error:
        detail = f"the schema of {service} is not one this software can migrate: {error}"
        raise Conflict(f"{detail}; it may be the work of a newer version, or of another branch") from error
    finally:
        await engine.dispose()


def newest_revision(service: str) -> str:
    """Of the service's schema, in this software."""
    from alembic.script import ScriptDirectory

    return str(ScriptDirectory.from_config(_config(service)).get_current_head())


def _config(service: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SERVICES / service / "migrations"))
    config.attributes["schema"] = service
    return config


if __name__ == "__main__":
    asyncio.run(migrate(sys.argv[1], DatabaseOwnerSettings().database_owner_url))

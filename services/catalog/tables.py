"""Where the service's tables are declared, and how its queries write what they answer."""

from typing import Any

import sqlalchemy as sa

from libs.common import sql

metadata = sql.metadata()


def rfc3339(moment: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """As `libs.common.http` writes it, made by the database, so that rows are answers as they come."""
    in_utc = sa.func.timezone(sa.literal_column("'UTC'"), moment)
    return sa.func.to_char(in_utc, sa.literal_column("""'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'"""))


def json_object(**members: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    pairs = (part for name, value in members.items() for part in (sa.literal_column(f"'{name}'"), value))
    return sa.func.jsonb_build_object(*pairs)

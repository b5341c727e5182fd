"""SQL is written with SQLAlchemy Core, compiled once, and run by asyncpg without an ORM in between."""

from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import CompilerElement

_DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]

NAMING = {
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "pk": "%(table_name)s_pkey",
}


def metadata() -> sa.MetaData:
    """Tables carry no schema: the connection's `search_path` decides, so a rebuild runs the same statements."""
    return sa.MetaData(naming_convention=NAMING)


class Json(str):
    """JSON that is serialised already: passed to a jsonb parameter as it is."""

    __slots__ = ()


class Bound(NamedTuple):
    """A statement with its arguments in the order of its placeholders."""

    sql: str
    args: tuple[Any, ...]


class Statement:
    """A Core statement compiled once; call it with its named parameters to get a `Bound`."""

    __slots__ = ("defaults", "names", "sql")

    def __init__(self, clause: CompilerElement) -> None:
        compiled = clause.compile(dialect=_DIALECT)
        assert isinstance(compiled, SQLCompiler)
        self.sql = str(compiled)
        self.names = tuple(compiled.positiontup or ())
        self.defaults = {
            name: bind.effective_value for name, bind in compiled.binds.items() if not bind.required
        }

    def __call__(self, **values: Any) -> Bound:
        """Raises KeyError for a parameter the statement needs and was not given."""
        merged = {**self.defaults, **values}
        return Bound(self.sql, tuple(merged[name] for name in self.names))

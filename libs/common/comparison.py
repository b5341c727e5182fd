"""What two tables of the same name in two schemas have in common, row by row."""

from dataclasses import dataclass

import asyncpg
import sqlalchemy as sa

SAMPLES = 3


@dataclass(frozen=True, slots=True)
class Comparison:
    """`missing` rows are only in the second table, `unexpected` only in the first; some of each as text."""

    table: str
    rows: int
    missing: int = 0
    unexpected: int = 0
    samples: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        return not self.missing and not self.unexpected


async def compare(con: asyncpg.Connection, table: sa.Table, first: str, second: str) -> Comparison:
    """Compares the columns both have: while one is being added, the rest can still be checked."""
    columns = ", ".join(f'"{name}"' for name in await _shared_columns(con, table.name, first, second))
    one = await _digest(con, f'"{first}"."{table.name}"', columns)
    other = await _digest(con, f'"{second}"."{table.name}"', columns)
    count = one[0]
    if one == other:
        return Comparison(table.name, count)
    missing, new = await _only_in(con, table.name, columns, second, first)
    unexpected, old = await _only_in(con, table.name, columns, first, second)
    return Comparison(table.name, count, missing, unexpected, (*new, *old))


async def _shared_columns(con: asyncpg.Connection, table: str, first: str, second: str) -> list[str]:
    rows = await con.fetch(
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_name = $1 AND table_schema IN ($2, $3) "
        "GROUP BY column_name HAVING count(*) = 2 ORDER BY column_name",
        table,
        first,
        second,
    )
    return [row["column_name"] for row in rows]


async def _digest(con: asyncpg.Connection, table: str, columns: str) -> tuple[int, int]:
    """The number of rows and the sum of their hashes."""
    hashes = f"hashtextextended(ROW({columns})::text, 0)::numeric"
    count, total = await con.fetchrow(f"SELECT count(*), coalesce(sum({hashes}), 0) FROM {table}")  # noqa: S608
    return count, int(total)


async def _only_in(
    con: asyncpg.Connection, table: str, columns: str, schema: str, other: str
) -> tuple[int, list[str]]:
    rows = f"SELECT ROW({columns})::text AS row FROM"
    row = await con.fetchrow(
        f'WITH difference AS ({rows} "{schema}"."{table}" EXCEPT ALL {rows} "{other}"."{table}") '  # noqa: S608
        f"SELECT count(*) AS n, (array_agg(row))[1:{SAMPLES}] AS samples FROM difference"
    )
    return row["n"], row["samples"] or []

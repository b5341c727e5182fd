"""The event log: `append()` beside a raw INSERT, and a whole command beside what others need for a plain append.

Sixteen writers, one event each, on the same PostgreSQL. The peers run in programs of their own.
"""

from typing import Any

from uuid_utils.compat import uuid7

from bench.harness import Bar, interleave, peer, rate, report, scratch
from bench.peers.install import eventsourcing_python, node
from libs.common.database import connect
from libs.common.messages import Meta
from tests.libs.common.counters import OWNER, SCHEMA, Add, Added, Counters, log

WRITERS = 16
SECONDS = 2.0
_RAW = (
    "INSERT INTO events (stream_id, version, stream_type, type, schema_ver, event_id, public, data, meta) "
    "VALUES ($1, 1, 'counter', 'scratch.added', 1, $2, true, $3, $4)"
)


async def main() -> bool:
    async with scratch(WRITERS) as (counters, stack, url):
        appended = await interleave(await _appends(stack.postgres.superuser_url, counters))
        commands = await interleave(
            {
                "a whole command: load, decide, append, read-model row": lambda: rate(
                    WRITERS, lambda _: counters.handle(uuid7(), Add(amount=1)), SECONDS
                ),
                "Emmett: plain append": _peer([*node(), "emmett_append.mjs"], url),
                "eventsourcing: default plain append": _peer(
                    [eventsourcing_python(), "eventsourcing_append.py"], url
                ),
            }
        )
    met = report("append()", "events/s", appended, [Bar("append()", "raw asyncpg INSERT", 0.65)])
    command, emmett, eventsourcing = commands
    return met & report(
        "command", "commands/s", commands, [Bar(command, emmett, 1.0), Bar(command, eventsourcing, 2.0)]
    )


async def _appends(url: str, counters: Counters) -> dict[str, Any]:
    connections = [await connect(url, SCHEMA) for _ in range(WRITERS)]
    event, meta = Added(owner_id=OWNER, amount=1), Meta()
    data = event.model_dump(mode="json")

    async def raw(writer: int) -> None:
        await connections[writer].execute(_RAW, uuid7(), uuid7(), data, meta.as_json())

    async def append(writer: int) -> None:
        assert await log.append(connections[writer], counters.keys, "counter", uuid7(), 0, [event], meta)

    return {
        "raw asyncpg INSERT": lambda: rate(WRITERS, raw, SECONDS),
        "append()": lambda: rate(WRITERS, append, SECONDS),
    }


def _peer(program: list[str], url: str) -> Any:
    *command, script = program
    return lambda: peer(*command, f"bench/peers/{script}", url, str(WRITERS), str(SECONDS))

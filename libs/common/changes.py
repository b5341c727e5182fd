"""Applies many changes in few round trips, with the outcome they would have one by one."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from libs.common.event_log import Recorded
from libs.common.sql import Bound

Project = Callable[[Recorded[Any]], Iterable[Bound]]


async def apply(con: asyncpg.Connection, project: Project, events: Sequence[Recorded[Any]]) -> None:
    """Runs the changes of all events in the caller's transaction.

    A row belongs to one stream, so only the order within a stream matters: the statement that most streams
    wait for runs next, for all of them at once.
    """
    streams: dict[UUID, deque[Bound]] = defaultdict(deque)
    for event in events:
        streams[event.stream_id].extend(project(event))
    waiting = [changes for changes in streams.values() if changes]
    while waiting:
        heads: dict[str, list[deque[Bound]]] = defaultdict(list)
        for changes in waiting:
            heads[changes[0].sql].append(changes)
        sql, chosen = max(heads.items(), key=lambda item: len(item[1]))
        await con.executemany(sql, [args for changes in chosen for args in _take(changes, sql)])
        waiting = [changes for changes in waiting if changes]


def _take(changes: deque[Bound], sql: str) -> Iterable[tuple[Any, ...]]:
    """The arguments of the changes at the head that run this statement, which are removed."""
    while changes and changes[0].sql == sql:
        yield changes.popleft().args

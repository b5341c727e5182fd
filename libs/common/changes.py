"""Applies many changes in few round trips, with the outcome they would have one by one."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from libs.common.event_log import Recorded
from libs.common.sql import Bound

Project = Callable[[Recorded[Any]], Iterable[Bound]]


class Round(NamedTuple):
    """A statement and the arguments of everyone it is run for."""

    sql: str
    args: list[tuple[Any, ...]]


def rounds(project: Project, events: Sequence[Recorded[Any]]) -> list[Round]:
    """The changes of all events, as few long rounds.

    A row belongs to one stream, so only the order within a stream matters: the statement that most streams
    wait for is next, for all of them at once.
    """
    streams: dict[UUID, deque[Bound]] = defaultdict(deque)
    for event in events:
        streams[event.stream_id].extend(project(event))
    waiting = [changes for changes in streams.values() if changes]
    planned = []
    while waiting:
        heads: dict[str, list[deque[Bound]]] = defaultdict(list)
        for changes in waiting:
            heads[changes[0].sql].append(changes)
        sql, chosen = max(heads.items(), key=lambda item: len(item[1]))
        planned.append(Round(sql, [args for changes in chosen for args in _take(changes, sql)]))
        waiting = [changes for changes in waiting if changes]
    return planned


async def run(con: asyncpg.Connection, planned: Iterable[Round]) -> None:
    """In the caller's transaction."""
    for sql, args in planned:
        await con.executemany(sql, args)


def _take(changes: deque[Bound], sql: str) -> Iterator[tuple[Any, ...]]:
    """The arguments of the changes at the head that run this statement, which are removed."""
    while changes and changes[0].sql == sql:
        yield changes.popleft().args

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from libs.common.changes import rounds
from libs.common.event_log import Recorded
from libs.common.messages import Event, Meta
from libs.common.sql import Bound


class Told(Event):
    event_name = "test.told"
    owner_id: UUID
    statements: list[str]


def told(stream: int, version: int, *statements: str) -> Recorded[Any]:
    stream_id = UUID(int=stream)
    event = Told(owner_id=stream_id, statements=list(statements))
    return Recorded(version, UUID(int=0), stream_id, "test", version, datetime.now(UTC), event, Meta())


def project(recorded: Recorded[Any]) -> Iterator[Bound]:
    for number, sql in enumerate(recorded.event.statements):
        yield Bound(sql, (recorded.stream_id, recorded.version, number))


def test_what_many_streams_wait_for_is_one_round() -> None:
    events = [told(stream, 1, "insert") for stream in range(50)] + [
        told(7, 2, "update"),
        told(8, 2, "update"),
    ]
    planned = rounds(project, events)
    assert [(sql, len(args)) for sql, args in planned] == [("insert", 50), ("update", 2)]


def test_a_run_of_one_statement_stays_together() -> None:
    planned = rounds(project, [told(1, version, "update", "update") for version in (1, 2, 3)])
    assert planned == [("update", [(UUID(int=1), version, n) for version in (1, 2, 3) for n in (0, 1)])]


def test_every_stream_keeps_its_order_and_nothing_is_lost() -> None:
    chance = random.Random(7)
    events, versions = [], defaultdict[int, int](int)
    for _ in range(2000):
        stream = chance.randrange(30)
        versions[stream] += 1
        events.append(told(stream, versions[stream], *chance.choices("abc", k=chance.randrange(4))))
    one_by_one = [change for event in events for change in project(event)]
    planned = [Bound(sql, args) for sql, arguments in rounds(project, events) for args in arguments]
    for stream in range(30):
        mine = [change for change in planned if change.args[0] == UUID(int=stream)]
        assert mine == [change for change in one_by_one if change.args[0] == UUID(int=stream)]
    assert len(planned) == len(one_by_one)

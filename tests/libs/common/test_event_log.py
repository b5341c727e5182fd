import asyncio
from typing import Any, ClassVar
from uuid import UUID

import asyncpg
import pytest
from asyncpg.connection import LoggedQuery
from uuid_utils.compat import uuid7

from libs.common import cloudevents
from libs.common.contracts import PublicEvent
from libs.common.database import Handled, connect
from libs.common.errors import Conflict, PreconditionFailed
from libs.common.event_log import MOST_TOLD, EventLog, EventTooLarge, Tail
from libs.common.messages import Cast, Event, Meta
from tests.libs.common.counters import OWNER, Add, Added, Counter, Counters, Name, counters, log, total_of


async def test_a_command_appends_and_its_read_model_is_there_with_it(scratch: Counters) -> None:
    counter = uuid7()
    assert await scratch.handle(counter, Add(amount=2)) == 1
    assert await scratch.handle(counter, Add(amount=3)) == 2
    assert await scratch.db.fetchval(total_of(id=counter)) == 5
    assert scratch.woken == ["relay", "relay"]


async def test_what_is_done_already_appends_nothing(scratch: Counters) -> None:
    assert await scratch.handle(uuid7(), Add(amount=0)) == 0
    assert scratch.woken == []


async def test_a_refusal_leaves_nothing(scratch: Counters) -> None:
    counter = uuid7()
    with pytest.raises(Conflict):
        await scratch.handle(counter, Add(amount=-1))
    assert await scratch.db.fetchval(total_of(id=counter)) is None


async def test_a_rolled_back_transaction_leaves_nothing_and_wakes_nobody(scratch: Counters) -> None:
    counter, tx = uuid7(), scratch.begin()
    await tx.handle(counters, counter, Add(amount=1))
    assert await tx.fetchval(total_of(id=counter)) == 1
    await tx.rollback()
    assert await scratch.db.fetchval(total_of(id=counter)) is None
    assert scratch.woken == []


async def test_a_second_command_in_a_transaction_goes_on_from_the_first(scratch: Counters) -> None:
    counter, tx = uuid7(), scratch.begin()
    await tx.handle(counters, counter, Add(amount=2))
    second = await tx.handle(counters, counter, Add(amount=3))
    assert (second.state.total, second.version) == (5, 2)
    with pytest.raises(Conflict, match="below zero"):
        await tx.handle(counters, counter, Add(amount=-6))
    await tx.commit()
    assert await scratch.handle(counter, Add(amount=-5)) == 3, "nothing of it is remembered after the commit"


async def test_after_a_rollback_a_transaction_begins_from_what_is_stored(scratch: Counters) -> None:
    counter, tx = uuid7(), scratch.begin()
    await tx.handle(counters, counter, Add(amount=2))
    await tx.rollback()
    again = await tx.handle(counters, counter, Add(amount=1))
    assert (again.state.total, again.version) == (1, 1)
    await tx.commit()


async def test_a_stream_taken_for_new_that_is_there_is_read(scratch: Counters) -> None:
    counter = uuid7()
    await scratch.handle(counter, Add(amount=2))
    tx = scratch.begin()
    second = await tx.handle(counters, counter, Add(amount=3), new=True)
    await tx.commit()
    assert (second.state.total, second.version) == (5, 2)


async def test_a_stream_that_is_known_is_read_only_if_it_has_moved_on(scratch: Counters) -> None:
    counter, tx, reads = uuid7(), scratch.begin(), list[str]()

    def note(query: LoggedQuery) -> None:
        reads.extend([query.query] if "FROM events" in query.query else [])

    async def add(amount: int, known: Handled[Counter] | None) -> Handled[Counter]:
        con = await tx.connection()
        with con.query_logger(note):
            handled = await tx.handle(counters, counter, Add(amount=amount), known=known)
        await tx.commit()
        return handled

    first = await add(2, None)
    reads.clear()
    second = await add(3, first)
    assert (second.state.total, len(reads)) == (5, 0)
    third = await add(4, first)
    assert (third.state.total, len(reads)) == (9, 1)
    assert await add(0, third) == Handled(third.state, 3)


async def test_twenty_writers_of_one_stream_all_succeed(scratch: Counters) -> None:
    counter = uuid7()
    versions = await asyncio.gather(*(scratch.handle(counter, Add(amount=1)) for _ in range(20)))
    assert sorted(versions) == list(range(1, 21))
    assert await scratch.db.fetchval(total_of(id=counter)) == 20


async def test_of_two_writers_with_the_same_expectation_one_wins(scratch: Counters) -> None:
    counter = uuid7()
    await scratch.handle(counter, Add(amount=1))
    outcomes = await asyncio.gather(
        *(scratch.handle(counter, Add(amount=1), expected=1) for _ in range(2)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes if isinstance(outcome, Exception)] == [PreconditionFailed]
    assert 2 in outcomes


async def test_several_events_are_one_append(scratch: Counters) -> None:
    counter, tx = uuid7(), scratch.begin()
    con = await tx.connection()
    events = [Added(owner_id=OWNER, amount=n) for n in (1, 2, 3)]
    recorded = await log.append(con, scratch.keys, "counter", counter, 0, events, Meta())
    assert [(r.version, r.event) for r in recorded] == list(zip((1, 2, 3), events, strict=True))
    assert await log.append(con, scratch.keys, "counter", counter, 1, events, Meta()) == []
    assert [r.version for r in await log.load(con, scratch.keys, counter)] == [1, 2, 3]
    await tx.rollback()


class Said(PublicEvent):
    event_name = "scratch.said"
    owner_id: UUID = OWNER
    text: str


class Thought(Event):
    event_name = "scratch.thought"
    owner_id: UUID = OWNER
    text: str


async def test_what_nobody_could_be_told_of_is_refused_before_anything_is_stored(scratch: Counters) -> None:
    words, counter, tx = EventLog("scratch", [Said, Thought]), uuid7(), scratch.begin()
    con = await tx.connection()

    async def append(expected: int, *events: Event) -> int:
        meta = Meta(actor=f"user:{OWNER}", traceparent="0" * 55)
        return len(await words.append(con, scratch.keys, "word", counter, expected, events, meta))

    for text in ("x" * MOST_TOLD, "é" * (MOST_TOLD // 2), "\n" * (MOST_TOLD // 2)):
        with pytest.raises(EventTooLarge, match="said has 9"):
            await append(0, Said(text="short"), Said(text=text))
    assert await append(0, Said(text="é" * (MOST_TOLD // 2 - 100))) == 1
    row = await con.fetchrow("SELECT * FROM events WHERE stream_id = $1", counter)
    [message] = cloudevents.encode("scratch", row, Said)
    assert len(message.body) + len(str(message.headers)) < 2**20 - 100_000, "NATS takes it, and its headers"
    assert await append(1, Thought(text="x" * 2 * MOST_TOLD)) == 1, "nobody is told of it"
    await tx.rollback()


async def test_an_append_beyond_the_end_is_an_error(scratch: Counters) -> None:
    tx = scratch.begin()
    con = await tx.connection()
    with pytest.raises(asyncpg.RaiseError, match="no version 4"):
        await log.append(con, scratch.keys, "counter", uuid7(), 4, [Added(owner_id=OWNER, amount=1)], Meta())
    await tx.rollback()


async def test_the_runtime_role_writes_events_only_through_append(scratch: Counters) -> None:
    await scratch.handle(uuid7(), Add(amount=1))
    for statement in (
        "DELETE FROM events",
        "UPDATE events SET version = 9",
        "INSERT INTO events SELECT * FROM events",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await scratch.db.pool.execute(statement)


async def test_personal_data_is_sealed_in_the_log_and_gone_with_its_key(scratch: Counters) -> None:
    counter = uuid7()
    await scratch.handle(counter, Name(name="Ada Lovelace"))
    assert "Ada" not in await scratch.db.pool.fetchval("SELECT string_agg(data::text, '') FROM events")
    assert await _name(scratch, counter) == "Ada Lovelace"

    tx = scratch.begin()
    await scratch.keys.erase(await tx.connection(), OWNER)
    await tx.commit()
    assert await _name(scratch, counter) is None


async def test_an_old_version_is_read_through_its_upcast(scratch: Counters) -> None:
    def rename(data: dict[str, Any]) -> dict[str, Any]:
        return {"owner_id": data["owner_id"], "by": data["amount"]}

    class Counted(Event):
        event_name = "scratch.added"
        schema_version = 2
        upcasts: ClassVar[dict[int, Cast]] = {1: rename}
        owner_id: UUID
        by: int

    counter = uuid7()
    await scratch.handle(counter, Add(amount=4))
    newer = EventLog("scratch", [Counted])
    row = await scratch.db.pool.fetchrow("SELECT * FROM events WHERE stream_id = $1", counter)
    assert newer.decode(row).event == Counted(owner_id=OWNER, by=4)


async def test_the_tail_waits_for_an_append_that_may_still_commit(
    scratch: Counters, scratch_url: str
) -> None:
    reader, tail = await connect(scratch_url, "scratch"), Tail(0)
    slow = scratch.begin()
    await slow.handle(counters, uuid7(), Add(amount=1))
    await scratch.handle(uuid7(), Add(amount=2))
    assert await tail.read(reader) == []
    assert await tail.read(reader) == []
    assert tail.waiting
    await slow.commit()
    assert [row["data"]["amount"] for row in await tail.read(reader)] == [1, 2]
    await reader.close()


async def test_the_tail_steps_over_what_was_rolled_back(scratch: Counters, scratch_url: str) -> None:
    reader, tail = await connect(scratch_url, "scratch"), Tail(0)
    failed = scratch.begin()
    await failed.handle(counters, uuid7(), Add(amount=1))
    await scratch.handle(uuid7(), Add(amount=2))
    assert await tail.read(reader) == []
    await failed.rollback()
    assert [row["data"]["amount"] for row in await tail.read(reader)] == [2]
    await reader.close()


async def test_a_rollback_hides_no_error_when_the_pool_has_taken_the_connection_back(
    scratch: Counters,
) -> None:
    tx = scratch.begin()
    await scratch.db.pool.release(await tx.connection())
    await tx.rollback()
    await scratch.handle(uuid7(), Add(amount=1))


async def _name(scratch: Counters, counter: UUID) -> str | None:
    tx = scratch.begin()
    state = (await tx.state(counters, counter)).state
    await tx.rollback()
    return state.name

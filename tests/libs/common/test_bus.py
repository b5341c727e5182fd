import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from deploy.local.run_directory import free_port
from deploy.local.stack import Stack
from libs.common.bus import Bus
from libs.common.errors import TooMany, Unavailable
from libs.common.telemetry import current_span, span
from tests.libs.common.accounts import Env
from tests.libs.common.waiting import eventually


@pytest.fixture
async def catalog(nats: str, service_env: Env) -> AsyncIterator[Bus]:
    bus = await connected("catalog", service_env)
    yield bus
    await bus.close()


@pytest.fixture
async def analysis(nats: str, service_env: Env) -> AsyncIterator[Bus]:
    bus = await connected("analysis", service_env)
    yield bus
    await bus.close()


async def connected(service: str, service_env: Env) -> Bus:
    bus = await Bus.connect(service_env(service)["NATS_URL"], service)
    await eventually(lambda: _true(bus.connected))
    return bus


async def test_a_wake_up_arrives(catalog: Bus) -> None:
    woken = asyncio.Event()
    await catalog.on_wake("catalog.jobs", woken.set)
    catalog.wake("catalog.jobs")
    await asyncio.wait_for(woken.wait(), 60)


async def test_a_notice_reaches_who_listens_until_it_ignores(catalog: Bus, analysis: Bus) -> None:
    heard: list[dict[str, Any]] = []
    listener = await catalog.on_notice("analysis.jobs.*", heard.append)
    await catalog.flush()
    analysis.notify("analysis.jobs.7", {"version": 3})
    await eventually(lambda: _true(heard))
    assert heard == [{"version": 3}]
    await catalog.ignore(listener)
    await catalog.flush()
    analysis.notify("analysis.jobs.7", {"version": 4})
    await analysis.flush()
    await catalog.flush()
    assert heard == [{"version": 3}]


async def test_a_question_is_answered_within_the_asker_s_trace(catalog: Bus, analysis: Bus) -> None:
    async def answer(question: dict[str, Any]) -> dict[str, Any]:
        here = current_span()
        assert here
        return question | {"trace": here.trace_id, **here.log_fields}

    await catalog.answer("catalog", "echo", answer)
    await catalog.flush()
    with span("test") as asking:
        asking.log_fields = {"request_id": "request-1"}
        told = await analysis.ask("catalog", "echo", {"a": 1})
    assert told == {"a": 1, "trace": asking.trace_id, "request_id": "request-1"}


async def test_whoever_goes_answers_what_it_was_asked(catalog: Bus, analysis: Bus, service_env: Env) -> None:
    async def answer(question: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(0.2)  # as long as an answer may take
        return question

    async def keep_asking() -> int:
        asked = 0
        while not gone.is_set():
            assert await analysis.ask("catalog", "slow", {"n": asked}, seconds=30) == {"n": asked}
            asked += 1
        return asked

    gone, leaving = asyncio.Event(), await connected("catalog", service_env)
    for bus in (catalog, leaving):
        await bus.answer("catalog", "slow", answer)
        await bus.flush()
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(keep_asking()) for _ in range(20)]
        await eventually(lambda: _true(leaving._tasks))
        await leaving.close()
        gone.set()
    assert all(task.result() for task in asking)


async def test_a_refusal_is_an_answer(catalog: Bus, analysis: Bus) -> None:
    async def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise TooMany("come back later", code="queue_full", retry_after=7)

    await catalog.answer("catalog", "refuse", refuse)
    await catalog.flush()
    with pytest.raises(TooMany, match="come back later") as refusal:
        await analysis.ask("catalog", "refuse", {})
    assert (refusal.value.code, refusal.value.retry_after) == ("queue_full", 7)


async def test_a_failing_answer_is_unavailable(
    catalog: Bus, analysis: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_: dict[str, Any]) -> dict[str, Any]:
        raise ValueError("a bug")

    await catalog.answer("catalog", "fail", fail)
    await catalog.flush()
    with pytest.raises(Unavailable):
        await analysis.ask("catalog", "fail", {})
    assert "a bug" in caplog.text


async def test_no_answer_is_unavailable(catalog: Bus, analysis: Bus) -> None:
    with pytest.raises(Unavailable):
        await analysis.ask("catalog", "nobody_knows", {})

    async def ponder(_: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(60)
        return {}

    await catalog.answer("catalog", "ponder", ponder)
    await catalog.flush()
    with pytest.raises(Unavailable):
        await analysis.ask("catalog", "ponder", {}, seconds=0.1)


async def test_two_processes_share_the_questions(catalog: Bus, nats: str, service_env: Env) -> None:
    answered: list[int] = []
    second = await connected("catalog", service_env)
    for number, bus in enumerate((catalog, second)):

        async def answer(_: dict[str, Any], number: int = number) -> dict[str, Any]:
            answered.append(number)
            return {}

        await bus.answer("catalog", "share", answer)
        await bus.flush()
    for _ in range(40):
        await catalog.ask("catalog", "share", {})
    assert len(answered) == 40
    assert set(answered) == {0, 1}
    await second.close()


async def test_of_several_servers_one_is_enough(nats: str, service_env: Env) -> None:
    url = service_env("catalog")["NATS_URL"]
    nobody = f"{url.rsplit(':', 1)[0]}:{free_port()}"
    bus = await Bus.connect(f"{nobody},{url}", "catalog")
    await eventually(lambda: _true(bus.connected))
    await bus.close()


async def test_nats_away_costs_no_request_its_time_and_comes_back(
    empty_stack: Stack, catalog: Bus, service_env: Env
) -> None:
    woken = asyncio.Event()
    await catalog.on_wake("catalog", woken.set)
    await asyncio.to_thread(empty_stack.stop_server, "nats")
    try:
        await eventually(lambda: _true(not catalog.connected))
        async with asyncio.timeout(1):  # half of what an answer may take
            catalog.wake("catalog")
            with pytest.raises(Unavailable):
                await catalog.ask("catalog", "anything", {})
        late = await asyncio.wait_for(Bus.connect(service_env("catalog")["NATS_URL"], "late"), 30)
        on_late = asyncio.Event()
        await late.on_wake("catalog", on_late.set)
    finally:
        await asyncio.to_thread(empty_stack.start_server, "nats")
    await eventually(lambda: _true(catalog.connected and late.connected))
    await eventually(lambda: _waken(catalog, woken))
    await eventually(lambda: _waken(catalog, on_late))
    await late.close()


async def _waken(bus: Bus, woken: asyncio.Event) -> bool:
    bus.wake("catalog")
    return woken.is_set()


async def _true(value: object) -> bool:
    return bool(value)

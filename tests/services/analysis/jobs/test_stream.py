"""Server-sent events and the WebSocket of a job: the same messages, resumed, refused, and ended."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, suppress
from typing import Any
from uuid import UUID

import orjson
import pytest
from httpx import AsyncClient
from prometheus_client import REGISTRY
from uuid_utils.compat import uuid4, uuid7
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from libs.common.http import following
from libs.common.jobs.lifecycle import CompleteJob, FailJob, ReportProgress, StartJob
from libs.common.service import Service
from services.analysis.jobs import follow
from tests import sse
from tests.libs.common.waiting import eventually
from tests.services.analysis.conftest import Accept
from tests.services.analysis.jobs.test_routes import DONE, listed
from tests.services.analysis.neighbours import Generation
from tests.sse import Event

PRODUCT = UUID(int=2)
Token = Callable[[UUID], str]


def events_of(client: AsyncClient, job_id: UUID, **headers: str) -> AsyncGenerator[Event, None]:
    return sse.events_of(client, f"/jobs/{job_id}/stream", **headers)


async def make(generation: Generation, job_id: UUID) -> None:
    """The whole life of a job with two pictures."""
    for command in (
        StartJob(),
        ReportProgress(step="image-1"),
        ReportProgress(step="image-2"),
        CompleteJob(result={"image_ids": [str(UUID(int=5))], "failures": []}),
    ):
        await generation.tell(job_id, command)


async def test_a_follower_gets_a_snapshot_and_then_everything_that_happens(
    client: AsyncClient, generation: Generation, feeds: None, owner_id: UUID
) -> None:
    job_id = await generation.request(owner_id, PRODUCT, count=2)
    await listed(client, 1)
    stream = events_of(client, job_id)
    first = await anext(stream)
    assert (first["event"], first["data"]["status"]) == ("snapshot", "queued")
    await make(generation, job_id)
    told = [event async for event in stream]
    assert [event["event"] for event in told] == ["job_started", "step_update", "step_update", "job_complete"]
    assert [event["data"]["type"] for event in told] == [event["event"] for event in told]
    assert [event["data"]["progress"]["completed"] for event in told] == [0, 1, 2, 2]
    assert told[1]["data"]["step"] == "image-1"
    assert told[1]["data"]["job_id"] == str(job_id)
    assert told[-1]["data"]["data"]["image_ids"] == [str(UUID(int=5))]
    ids = [int(event["id"]) for event in (first, *told)]
    assert ids == sorted(set(ids))


async def test_a_step_that_failed_for_good_is_told_as_failed(
    client: AsyncClient, generation: Generation, feeds: None, owner_id: UUID
) -> None:
    job_id = await generation.request(owner_id, PRODUCT, count=2)
    refused = ReportProgress(step="image-2", code="content_refused", detail="not this")
    for command in (StartJob(), ReportProgress(step="image-1"), refused, DONE):
        await generation.tell(job_id, command)
    await listed(client, 1, status="completed")
    told = [event["data"] async for event in events_of(client, job_id, **{"last-event-id": "3"})]
    steps = [message for message in told if message["type"] == "step_update"]
    assert [(step["status"], step["progress"]["failed"]) for step in steps] == [
        ("completed", 0),
        ("failed", 1),
    ]
    assert (steps[1]["data"]["code"], steps[1]["data"]["detail"]) == ("content_refused", "not this")
    assert told[-1]["progress"] == {"completed": 2, "failed": 1, "total": 2}


async def test_who_lost_the_connection_goes_on_where_it_was(
    client: AsyncClient, generation: Generation, feeds: None, owner_id: UUID
) -> None:
    job_id = await generation.request(owner_id, PRODUCT, count=2)
    await make(generation, job_id)
    await listed(client, 1, status="completed")
    everything = [event async for event in events_of(client, job_id, **{"last-event-id": "0"})]
    names = ["job_queued", "job_started", "step_update", "step_update", "job_complete"]
    assert [event["event"] for event in everything] == names
    for seen in range(4):
        rest = [
            event async for event in events_of(client, job_id, **{"last-event-id": everything[seen]["id"]})
        ]
        assert rest == everything[seen + 1 :]
    end = await client.get(f"/jobs/{job_id}/stream", headers={"last-event-id": everything[-1]["id"]})
    assert end.status_code == 204


async def test_who_comes_late_still_hears_the_end(
    client: AsyncClient, generation: Generation, feeds: None, owner_id: UUID
) -> None:
    job_id = await generation.request(owner_id, PRODUCT)
    await generation.tell(job_id, StartJob())
    await generation.tell(job_id, FailJob(code="content_refused", detail="no"))
    await listed(client, 1, status="failed")
    told = [event async for event in events_of(client, job_id)]
    assert [(event["event"], event["data"]["status"]) for event in told] == [
        ("snapshot", "failed"),
        ("job_failed", "failed"),
    ]
    assert told[-1]["data"]["data"] == {"code": "content_refused", "detail": "no", "retryable": False}


async def test_a_stream_can_begin_before_the_projection_has_the_job(
    client: AsyncClient, generation: Generation, owner_id: UUID
) -> None:
    job_id = await generation.request(owner_id, PRODUCT)
    stream = events_of(client, job_id)
    assert (await anext(stream))["id"] == "0"
    await stream.aclose()


async def test_nothing_is_missed_when_no_notice_arrives(
    client: AsyncClient, generation: Generation, feeds: None, owner_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "QUIET_SECONDS", 0.05)
    monkeypatch.setattr(follow, "_topic", lambda job_id: f"analysis.elsewhere.{uuid7()}")
    job_id = await generation.request(owner_id, PRODUCT, count=2)
    await listed(client, 1)
    stream = events_of(client, job_id)
    await anext(stream)
    await make(generation, job_id)
    assert [event["event"] async for event in stream][-1] == "job_complete"


async def test_a_quiet_stream_shows_that_it_lives(
    client: AsyncClient, accept: Accept, feeds: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "QUIET_SECONDS", 0.01)
    job_id = await accept(PRODUCT)
    await listed(client, 1)
    async with client.stream("GET", f"/jobs/{job_id}/stream") as answer:
        beats = 0
        async for line in answer.aiter_lines():
            beats += line.startswith(":")
            if beats == 3:
                break


async def test_the_head_of_a_stream_does_not_wait_for_its_end(
    client: AsyncClient, accept: Accept, feeds: None
) -> None:
    job_id = await accept(PRODUCT)
    await listed(client, 1)
    answer = await client.head(f"/jobs/{job_id}/stream")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_who_leaves_is_not_listened_for_any_more(
    client: AsyncClient, accept: Accept, feeds: None, api: Service[Any]
) -> None:
    job_id = await accept(PRODUCT)
    await listed(client, 1)
    before = len(api.bus._listeners)
    stream = events_of(client, job_id)
    await anext(stream)
    await stream.aclose()

    async def gone() -> bool:
        return len(api.bus._listeners) == before

    await eventually(gone)


@pytest.mark.parametrize("last_event_id", ["-1", "x", str(2**31)])
async def test_an_event_id_that_was_never_sent_is_refused(
    client: AsyncClient, accept: Accept, last_event_id: str
) -> None:
    job_id = await accept(PRODUCT)
    answer = await client.get(f"/jobs/{job_id}/stream", headers={"last-event-id": last_event_id})
    assert answer.status_code == 422


async def test_a_stream_takes_its_token_from_the_address(
    origin: str, token: Token, accept: Accept, owner_id: UUID
) -> None:
    job_id = await accept(PRODUCT)
    async with AsyncClient(timeout=60, base_url=f"http://{origin}/api/v1") as browser:
        path = f"/jobs/{job_id}/stream"
        assert (await browser.get(path)).status_code == 401
        assert (await browser.get(path, params={"token": "forged"})).status_code == 401
        async with browser.stream("GET", path, params={"token": token(owner_id)}) as answer:
            assert answer.status_code == 200


def socket_of(origin: str, job_id: UUID | str, token: str | None) -> Any:
    query = f"?token={token}" if token else ""
    return connect(f"ws://{origin}/ws/processing/{job_id}{query}")


async def close_code(connection: ClientConnection) -> int | None:
    """What the server closes with, once it does."""
    with suppress(ConnectionClosed):
        async for _ in connection:
            pass
    return connection.close_code


async def test_a_websocket_tells_the_same_and_closes_after_the_end(
    origin: str, token: Token, client: AsyncClient, generation: Generation, feeds: None, owner_id: UUID
) -> None:
    job_id = await generation.request(owner_id, PRODUCT, count=2)
    await listed(client, 1)
    async with socket_of(origin, job_id, token(owner_id)) as connection:
        told = [orjson.loads(await connection.recv())]
        await make(generation, job_id)
        async for message in connection:
            told.append(orjson.loads(message))
        assert connection.close_code == 1000
    assert [message["type"] for message in told] == [
        "snapshot",
        "job_started",
        "step_update",
        "step_update",
        "job_complete",
    ]
    step = told[2]
    assert step.keys() == {"type", "job_id", "image_id", "step", "status", "progress", "data", "timestamp"}
    assert (step["step"], step["status"], step["progress"]) == (
        "image-1",
        "completed",
        {"completed": 1, "failed": 0, "total": 2},
    )
    assert step["timestamp"].endswith("Z")


async def test_a_process_that_ends_lets_its_followers_go_to_another(
    client: AsyncClient, origin: str, token: Token, accept: Accept, owner_id: UUID, api: Service[Any]
) -> None:
    job_id = await accept(PRODUCT)
    stream = events_of(client, job_id)
    async with socket_of(origin, job_id, token(owner_id)) as connection:
        assert (await anext(stream))["event"] == "snapshot"
        assert orjson.loads(await connection.recv())["type"] == "snapshot"
        api.stopping.set()
        assert [event async for event in stream] == []
        assert await close_code(connection) == 1013


async def test_open_websockets_and_streams_are_counted(
    origin: str, token: Token, accept: Accept, feeds: None, owner_id: UUID
) -> None:
    async def open_now(websockets: int, requests: int) -> bool:
        names = ("websocket_connections", "http_requests_in_progress")
        return tuple(map(REGISTRY.get_sample_value, names)) == (websockets, requests)

    job_id = await accept(PRODUCT)
    async with (
        socket_of(origin, job_id, token(owner_id)),
        AsyncClient(
            timeout=60, base_url=f"http://{origin}/api/v1", params={"token": token(owner_id)}
        ) as browser,
        browser.stream("GET", f"/jobs/{job_id}/stream"),
    ):
        await eventually(lambda: open_now(1, 1))
    await eventually(lambda: open_now(0, 0))


async def test_a_websocket_is_closed_to_who_has_no_token(origin: str, token: Token, accept: Accept) -> None:
    job_id = await accept(PRODUCT)
    for bad in (None, "forged", token(uuid4())[:-3]):
        async with socket_of(origin, job_id, bad) as connection:
            assert await close_code(connection) == 4001


async def test_a_websocket_is_closed_to_strangers(
    origin: str, token: Token, accept: Accept, generation: Generation
) -> None:
    for job_id in (await accept(PRODUCT), uuid7()):
        async with socket_of(origin, job_id, token(uuid4())) as connection:
            assert await close_code(connection) == 4003


async def test_the_sixth_websocket_of_a_user_is_closed(
    origin: str, token: Token, client: AsyncClient, accept: Accept, feeds: None, owner_id: UUID
) -> None:
    job_id = await accept(PRODUCT)
    await listed(client, 1)
    async with AsyncExitStack() as opened:
        for _ in range(5):
            connection = await opened.enter_async_context(socket_of(origin, job_id, token(owner_id)))
            await connection.recv()
        async with socket_of(origin, job_id, token(owner_id)) as sixth:
            assert await close_code(sixth) == 4008

    async def there_is_room() -> bool:
        async with socket_of(origin, job_id, token(owner_id)) as connection:
            try:
                return bool(await connection.recv())
            except ConnectionClosed:
                return False

    await eventually(there_is_room)

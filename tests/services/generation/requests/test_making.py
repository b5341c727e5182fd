"""From an accepted request to its pictures, by a real engine; and what happens when something goes wrong."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from httpx import AsyncClient

from deploy.local.stack import Stack
from libs.common.errors import Unavailable
from libs.common.jobs.engine import MAX_ATTEMPTS
from libs.common.service import Service
from libs.imaging import metadata
from libs.imaging.decode import inspect
from libs.imaging.metadata import DigitalSource, Mark
from libs.providers.chain import Providers
from libs.providers.errors import ErrorCode
from tests.libs.common.waiting import eventually
from tests.services.generation.conftest import Working
from tests.services.generation.neighbours import Neighbours
from tests.services.generation.studio import SIDE, Studio

Request = Callable[..., Awaitable[str]]


@pytest.fixture
async def request_pictures(client: AsyncClient, owner_id: UUID, neighbours: Neighbours) -> Request:
    """`await request_pictures(count=3)`: the id of an accepted request for pictures of a new product."""

    async def accept(**body: Any) -> str:
        product_id = await neighbours.product(owner_id)
        wish = {"prompt": "on snow", "resolution": "1K", "seed": 41} | body
        answer = await client.post(f"/products/{product_id}/generate", json=wish)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["request_id"])

    return accept


async def get(client: AsyncClient, request_id: str) -> dict[str, Any]:
    seen: dict[str, Any] = (await client.get(f"/generation-requests/{request_id}")).json()
    return seen


async def until(client: AsyncClient, request_id: str, status: str) -> dict[str, Any]:
    async def reached() -> dict[str, Any] | None:
        seen = await get(client, request_id)
        return seen if seen["status"] == status else None

    found: dict[str, Any] = await eventually(reached, seconds=120)
    return found


async def stored_events(service: Service[Any], request_id: str) -> list[str]:
    """The names of everything that was recorded of a request and its pictures."""
    rows = await service.db.pool.fetch(
        "SELECT type FROM events WHERE stream_id = $1 OR data ->> 'request_id' = $2 ORDER BY pos",
        UUID(request_id),
        request_id,
    )
    return [row["type"].removeprefix("generation.") for row in rows]


async def test_the_local_provider_makes_the_pictures(
    client: AsyncClient, request_pictures: Request, service: Service[Any], working: Working, local: Providers
) -> None:
    request_id = await request_pictures(count=2, aspect_ratio="3:2")
    async with working(local):
        seen = await until(client, request_id, "completed")
    assert (seen["progress"], seen["failures"], seen["code"]) == (100, [], None)
    assert seen["created_at"] <= seen["started_at"] <= seen["completed_at"]
    assert [(one["generation_index"], one["seed"]) for one in seen["images"]] == [(1, 41), (2, 42)]
    for one in seen["images"]:
        data = await service.objects.get(one["s3_key"])
        info, mark = inspect(data), metadata.read(data)
        assert (info.sha256, info.width, info.height) == (one["sha256"], one["width"], one["height"])
        assert abs(info.width / info.height - 1.5) < 0.01
        assert mark
        assert mark.record["image_id"] == one["id"]
        assert mark.record["references"] == [photo["sha256"] for photo in seen["references"]]
        assert (one["provider"], one["model"]) == ("local", "classical/1")


async def test_every_picture_is_told_of_once_and_counted(
    client: AsyncClient, request_pictures: Request, service: Service[Any], working: Working, studio: Studio
) -> None:
    request_id = await request_pictures(count=8, aspect_ratio="1:1")
    async with working(studio.providers()):
        seen = await until(client, request_id, "completed")
    names = await stored_events(service, request_id)
    assert names[:4] == ["generation_requested", "job_queued", "job_started", "generation_started"]
    assert sorted(names[4:-2]) == ["image_generated"] * 8 + ["job_progressed"] * 8
    assert names[-2:] == ["job_finished", "generation_completed"]
    assert studio.calls == dict.fromkeys(range(8), 1)
    assert seen["cost"] == pytest.approx(0.32)
    assert await service.db.pool.fetchval("SELECT count(*) FROM job_calls") == 0


async def test_the_provider_gets_what_was_pinned(
    client: AsyncClient, request_pictures: Request, working: Working, studio: Studio
) -> None:
    request_id = await request_pictures(count=2, aspect_ratio="21:9")
    async with working(studio.providers()):
        seen = await until(client, request_id, "completed")
    for asked in studio.asked:
        assert (asked.prompt, asked.scene) == (seen["final_prompt"], "on snow")
        assert (asked.aspect_ratio, asked.resolution, asked.seed) == ("21:9", "1K", 41 + asked.index)
        assert len(asked.references) == 1
    details = (await client.get(f"/generated-images/{seen['images'][0]['id']}")).json()
    assert details["model_response_text"] == "voilà"
    assert (details["call"]["request_id"], details["call"]["cost"]) == ("r-1", 0.04)
    assert details["call"]["digital_source"] == "trainedAlgorithmicMedia"


async def test_progress_is_seen_while_it_works(
    client: AsyncClient, request_pictures: Request, working: Working, studio: Studio
) -> None:
    studio.held = {1}
    request_id = await request_pictures(count=2)
    async with working(studio.providers()):
        await eventually(lambda: _made(client, request_id, 1))
        assert (await get(client, request_id))["status"] == "processing"
        assert (await get(client, request_id))["progress"] == 50
        studio.released.set()
        assert (await until(client, request_id, "completed"))["progress"] == 100


async def test_what_is_refused_for_good_is_told_and_the_rest_is_made(
    client: AsyncClient, request_pictures: Request, working: Working, studio: Studio
) -> None:
    studio.failures = {1: [ErrorCode.REFUSED]}
    request_id = await request_pictures(count=3)
    async with working(studio.providers()):
        seen = await until(client, request_id, "completed")
    assert [one["generation_index"] for one in seen["images"]] == [1, 3]
    [failure] = seen["failures"]
    assert (failure["index"], failure["code"], failure["detail"]) == (2, "content_refused", "not today")
    assert [one["provider"] for one in failure["failed_attempts"]] == ["local"]
    assert (seen["progress"], studio.calls[1]) == (100, 1)


async def test_if_all_are_refused_it_fails(
    client: AsyncClient, request_pictures: Request, service: Service[Any], working: Working, studio: Studio
) -> None:
    studio.failures = {0: [ErrorCode.REFUSED], 1: [ErrorCode.REFUSED]}
    request_id = await request_pictures(count=2)
    async with working(studio.providers()):
        seen = await until(client, request_id, "failed")
    assert (seen["code"], seen["error_message"], seen["retryable"]) == ("content_refused", "not today", False)
    assert (await stored_events(service, request_id))[-2:] == ["job_finished", "generation_failed"]


async def test_what_may_work_later_is_tried_again_and_only_that(
    client: AsyncClient, request_pictures: Request, working: Working, studio: Studio
) -> None:
    studio.failures = {1: [ErrorCode.UNAVAILABLE]}
    request_id = await request_pictures(count=2)
    async with working(studio.providers()):
        seen = await until(client, request_id, "completed")
    assert studio.calls == {0: 1, 1: 2}
    assert (seen["attempts"], seen["failures"]) == (2, [])


@pytest.mark.parametrize(("told", "most"), [(300, 300), (10**9, 3600)])
async def test_the_job_waits_for_as_long_as_the_provider_says(
    client: AsyncClient,
    request_pictures: Request,
    service: Service[Any],
    working: Working,
    studio: Studio,
    told: float,
    most: float,
) -> None:
    """Within reason, and as the one among several pictures' failures says that says anything."""
    studio.failures, studio.retry_after = {1: [ErrorCode.RATE_LIMITED]}, told
    studio.failures[0] = [ErrorCode.UNAVAILABLE]
    request_id = await request_pictures(count=2)
    async with working(studio.providers()):
        wait = await eventually(lambda: _put_off(service, request_id))
        assert most - 100 < wait < most + 1
        await service.db.pool.execute("UPDATE job_queue SET available_at = now()")
        seen = await until(client, request_id, "completed")
    assert (seen["attempts"], studio.calls) == (2, {0: 2, 1: 2})


async def test_what_makes_no_sense_is_asked_for_once_more_only(
    client: AsyncClient, request_pictures: Request, working: Working, studio: Studio
) -> None:
    studio.failures, studio.retry_after = {0: [ErrorCode.NO_IMAGE] * 9}, 0.01
    request_id = await request_pictures()
    async with working(studio.providers()):
        seen = await until(client, request_id, "failed")
    assert (seen["code"], seen["retryable"], studio.calls) == ("provider_no_image", True, {0: 2})


async def test_a_picture_is_given_up_when_its_own_attempts_are_over(
    client: AsyncClient, request_pictures: Request, working: Working, studio: Studio
) -> None:
    """The other one is tried for longer, as its failure is of another kind."""
    studio.failures = {0: [ErrorCode.NO_IMAGE] * 9, 1: [ErrorCode.RATE_LIMITED] * 3}
    studio.retry_after = 0.01
    request_id = await request_pictures(count=2)
    async with working(studio.providers()):
        seen = await until(client, request_id, "completed")
    assert studio.calls == {0: 2, 1: 4}
    [failure] = seen["failures"]
    assert (failure["index"], len(failure["failed_attempts"])) == (1, 2)


async def test_the_job_keeps_the_record_of_its_calls(
    client: AsyncClient, request_pictures: Request, service: Service[Any], working: Working, studio: Studio
) -> None:
    request_id = await request_pictures()
    async with working(studio.providers()):
        await until(client, request_id, "completed")
    query = "SELECT data -> 'result' -> 'calls' FROM events WHERE stream_id = $1 AND type = $2"
    [call] = await service.db.pool.fetchval(query, UUID(request_id), "generation.job_finished")
    assert (call["index"], call["provider"], call["model"]) == (1, "local", "studio/1")
    assert (call["request_id"], call["attempts"], call["cost"], call["latency_ms"]) == ("r-1", 1, 0.04, 12.5)
    assert call["usage"]["input_tokens"] is None


async def test_after_the_last_attempt_the_rest_is_enough(
    client: AsyncClient, request_pictures: Request, service: Service[Any], working: Working, studio: Studio
) -> None:
    studio.failures = {0: [ErrorCode.TIMEOUT]}
    request_id = await request_pictures(count=2)
    await hasten(service, request_id, attempts=MAX_ATTEMPTS - 1)
    async with working(studio.providers()):
        seen = await until(client, request_id, "completed")
    assert [failure["code"] for failure in seen["failures"]] == ["provider_timeout"]
    assert [one["generation_index"] for one in seen["images"]] == [2]


async def test_a_photo_that_is_not_the_pinned_one_is_not_used(
    client: AsyncClient, owner_id: UUID, neighbours: Neighbours, working: Working, studio: Studio
) -> None:
    product_id = await neighbours.product(owner_id)
    neighbours.products[str(product_id)]["references"][0]["sha256"] = "0" * 64
    answer = await client.post(f"/products/{product_id}/generate", json={"prompt": "on snow"})
    async with working(studio.providers()):
        seen = await until(client, answer.json()["request_id"], "failed")
    assert (seen["code"], studio.asked) == ("reference_changed", [])


async def test_a_worker_killed_after_the_answer_pays_nothing_twice(
    client: AsyncClient,
    request_pictures: Request,
    service: Service[Any],
    stack: Stack,
    working: Working,
    studio: Studio,
) -> None:
    """Killed between the answer's commit and that of the picture, which another transaction holds up."""
    request_id = await request_pictures(count=2)
    async with _held_up(stack, service, request_id), working(studio.providers()):
        await eventually(lambda: _answers(service, request_id, 2))
    assert (await get(client, request_id))["images"] == []
    async with working(studio.providers()):
        seen = await until(client, request_id, "completed")
    assert studio.calls == {0: 1, 1: 1}
    assert len(seen["images"]) == 2
    assert (await stored_events(service, request_id)).count("image_generated") == 2


@pytest.mark.parametrize(("made_by", "fallback_from"), [("local", None), ("bert", "local")])
async def test_a_picture_that_was_stored_by_a_dead_worker_is_not_paid_again(
    client: AsyncClient,
    request_pictures: Request,
    service: Service[Any],
    working: Working,
    studio: Studio,
    made_by: str,
    fallback_from: str | None,
) -> None:
    """Killed between storing the picture and journaling the answer. Its mark says who made it."""
    studio.held = {0}
    request_id = await request_pictures()
    async with working(studio.providers()):
        await eventually(lambda: _asked(studio))
    made = await Studio().generate(studio.asked[0])
    mark = Mark(DigitalSource.GENERATED, {"provider": made_by, "model": "studio/1"})
    picture = metadata.embed(made.image.data, mark)
    await service.objects.put((await _pinned(service, request_id))[0]["key"], picture, "image/png")
    async with working(studio.providers()):
        seen = await until(client, request_id, "completed")
    assert len(studio.asked) == 1
    [image] = seen["images"]
    assert image["sha256"] == inspect(picture).sha256
    assert (image["model"], image["width"], image["provider"]) == ("studio/1", SIDE, made_by)
    assert image["provider_fallback_from"] == seen["provider_fallback_from"] == fallback_from


async def test_what_waits_is_cancelled_at_once(
    client: AsyncClient, request_pictures: Request, service: Service[Any]
) -> None:
    request_id = await request_pictures()
    assert (await client.delete(f"/generation-requests/{request_id}")).status_code == 204
    seen = await get(client, request_id)
    assert (seen["status"], seen["code"]) == ("failed", "cancelled")
    assert (await stored_events(service, request_id))[-1] == "generation_cancelled"
    again = await client.delete(f"/generation-requests/{request_id}")
    assert again.status_code == 204


async def test_what_runs_is_cancelled_and_keeps_what_is_made(
    client: AsyncClient, request_pictures: Request, service: Service[Any], working: Working, studio: Studio
) -> None:
    """The job tells who was asked for the other one."""
    studio.held = {1}
    request_id = await request_pictures(count=2)
    async with working(studio.providers()):
        await eventually(lambda: _made(client, request_id, 1))
        assert (await client.delete(f"/generation-requests/{request_id}")).status_code == 204
        seen = await until(client, request_id, "failed")
    assert seen["code"] == "cancelled"
    assert [one["generation_index"] for one in seen["images"]] == [1]
    query = "SELECT data -> 'result' FROM events WHERE stream_id = $1 AND type = 'generation.job_finished'"
    [attempt] = (await service.db.pool.fetchval(query, UUID(request_id)))["failed_attempts"]
    assert (attempt["step"], attempt["provider"], attempt["code"]) == ("image-2", "local", "cancelled")


async def test_what_is_over_cannot_be_cancelled(
    client: AsyncClient, request_pictures: Request, working: Working, studio: Studio
) -> None:
    request_id = await request_pictures()
    async with working(studio.providers()):
        await until(client, request_id, "completed")
    answer = await client.delete(f"/generation-requests/{request_id}")
    assert (answer.status_code, answer.json()["code"]) == (409, "job_finished")


async def test_strangers_find_nothing(
    client: AsyncClient, stranger: AsyncClient, request_pictures: Request
) -> None:
    request_id = await request_pictures()
    path = f"/generation-requests/{request_id}"
    answers = [
        await stranger.get(path),
        await stranger.get(f"{path}/images"),
        await stranger.delete(path),
        await stranger.post(f"{path}/rerun", json={}),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert (await get(client, request_id))["status"] == "pending"


async def hasten(service: Service[Any], request_id: str, attempts: int) -> None:
    """As if so many attempts had failed already."""
    await service.db.pool.execute(
        "UPDATE job_queue SET attempts = $2 WHERE job_id = $1", UUID(request_id), attempts
    )


async def _answers(service: Service[Any], request_id: str, count: int) -> bool:
    query = "SELECT count(*) FROM job_calls WHERE job_id = $1 AND answer IS NOT NULL"
    return bool(await service.db.pool.fetchval(query, UUID(request_id)) == count)


async def _made(client: AsyncClient, request_id: str, count: int) -> bool:
    return len((await get(client, request_id))["images"]) == count


async def _put_off(service: Service[Any], request_id: str) -> float:
    """For how many seconds the job waits; 0 until it does."""
    query = "SELECT extract(epoch FROM available_at - now())::float FROM job_queue WHERE job_id = $1"
    return max(0.0, float(await service.db.pool.fetchval(query, UUID(request_id))))


async def _asked(studio: Studio) -> bool:
    return bool(studio.asked)


@asynccontextmanager
async def _held_up(stack: Stack, service: Service[Any], request_id: str) -> AsyncIterator[None]:
    """No picture of the request can be recorded meanwhile: an open transaction has taken its place."""
    con = await asyncpg.connect(stack.postgres.superuser_url, server_settings={"search_path": "generation"})
    transaction = con.transaction()
    await transaction.start()
    for picture in await _pinned(service, request_id):
        await con.execute(
            "INSERT INTO events (stream_id, version, stream_type, type, schema_ver, event_id, public, "
            "data, meta) VALUES ($1, 1, 'image', 'none', 1, gen_random_uuid(), false, '{}', '{}')",
            UUID(picture["image_id"]),
        )
    yield
    await transaction.rollback()
    await con.close()


async def _pinned(service: Service[Any], request_id: str) -> list[dict[str, Any]]:
    query = "SELECT images FROM generation_requests WHERE request_id = $1"
    pinned: list[dict[str, Any]] = await service.db.pool.fetchval(query, UUID(request_id))
    return pinned


async def test_a_picture_whose_object_is_broken_takes_no_other_with_it(
    client: AsyncClient, request_pictures: Request, service: Service[Any], working: Working, studio: Studio
) -> None:
    request_id = await request_pictures(count=2)
    [first, _] = await _pinned(service, request_id)
    await service.objects.put(first["key"], b"broken", "image/png")
    async with working(studio.providers()):
        seen = await until(client, request_id, "completed")
    assert [failure["index"] for failure in seen["failures"]] == [1]


async def test_a_paid_picture_waits_for_the_object_store(
    client: AsyncClient,
    request_pictures: Request,
    service: Service[Any],
    working: Working,
    studio: Studio,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put = service.objects.put
    refused: list[Any] = []

    async def full(*args: Any) -> str:
        if len(refused) < 3:
            refused.append(args)
            raise Unavailable("the object store is away")
        return await put(*args)

    request_id = await request_pictures()
    monkeypatch.setattr(type(service.objects), "put", staticmethod(full))
    async with working(studio.providers()):
        await until(client, request_id, "completed")
    assert studio.calls == {0: 1}


async def test_a_picture_is_not_paid_for_without_end(
    client: AsyncClient,
    request_pictures: Request,
    service: Service[Any],
    working: Working,
    studio: Studio,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def full(*_: Any) -> str:
        raise Unavailable("the object store is away")

    request_id = await request_pictures()
    await hasten(service, request_id, attempts=MAX_ATTEMPTS - 1)
    monkeypatch.setattr(type(service.objects), "put", staticmethod(full))
    monkeypatch.setattr("services.generation.requests.job.STORE_SECONDS", 0.1)
    async with working(studio.providers()):
        seen = await until(client, request_id, "failed")
    assert (seen["code"], seen["cost"], studio.calls) == ("provider_unavailable", 0.04, {0: 1})


@pytest.mark.parametrize("odd", ["ask \0 again", "ask \ud800 again"])
async def test_a_refusal_is_final_whatever_it_says(
    client: AsyncClient, request_pictures: Request, working: Working, studio: Studio, odd: str
) -> None:
    studio.refusal = odd
    request_id = await request_pictures()
    async with working(studio.providers()):
        seen = await until(client, request_id, "failed")
    assert (seen["code"], studio.calls) == ("content_refused", {0: 1})

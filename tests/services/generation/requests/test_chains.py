"""Pictures by the providers that the settings name, whose wire protocols stubs speak."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient

from libs.common.service import Service
from libs.providers.chain import Providers
from services.generation.settings import GenerationSettings
from tests.libs.common.waiting import eventually
from tests.peers.both import Peers, both_served
from tests.peers.stub import Stub
from tests.services.generation.conftest import Working
from tests.services.generation.neighbours import Neighbours

PUT_OFF = """
WITH later AS (SELECT job_id, extract(epoch FROM available_at - now())::float AS seconds FROM job_queue
               WHERE lease_until IS NULL AND available_at > now())
UPDATE job_queue q SET available_at = now() FROM later WHERE later.job_id = q.job_id RETURNING later.seconds
"""
FAILED_STEPS = """
SELECT data->>'code' AS code FROM events
WHERE stream_id = $1 AND type = 'generation.job_progressed' AND data->>'code' IS NOT NULL
"""
MODELS = {"openai": "gpt-image-2.6-flare", "gemini": "gemini-3.1-flash-image"}
REFUSED = {"openai": "moderation", "gemini": "refuse"}


@pytest.fixture(scope="module")
def peers() -> Iterator[Peers]:
    with both_served() as peers:
        yield peers


@pytest.fixture(params=MODELS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def configured(monkeypatch: pytest.MonkeyPatch, peers: Peers, provider: str) -> None:
    """As whoever runs the services would: before they start, in the environment."""
    for name, value in ({**peers.env, "PROVIDERS_IMAGE_GENERATE": f"{provider},local"}).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def stub(peers: Peers, provider: str) -> Stub:
    chosen = peers.stubs[provider]
    chosen.calls.clear()
    chosen.script.clear()
    return chosen


@pytest.fixture
async def chain(service: Service[GenerationSettings]) -> AsyncIterator[Providers]:
    providers = Providers.from_settings(service.settings)
    yield providers
    await providers.aclose()


async def made(client: AsyncClient, product_id: UUID, **wish: Any) -> Any:
    body = {"prompt": "on snow", "resolution": "1K", "seed": 3, **wish}
    accepted = (await client.post(f"/products/{product_id}/generate", json=body)).json()

    async def over() -> Any:
        seen = (await client.get(f"/generation-requests/{accepted['request_id']}")).json()
        return seen if seen["status"] in ("completed", "failed") else None

    return await eventually(over)


async def test_the_first_of_the_chain_paints_and_local_steps_in_halfway(
    client: AsyncClient,
    owner_id: UUID,
    neighbours: Neighbours,
    working: Working,
    chain: Providers,
    provider: str,
    stub: Stub,
) -> None:
    product_id = await neighbours.product(owner_id)
    stub.script.extend(["500", None])
    async with working(chain):
        seen = await made(client, product_id, count=2)
    assert (seen["status"], seen["provider"], seen["model"]) == ("completed", provider, MODELS[provider])
    assert {one["provider"] for one in seen["images"]} == {provider, "local"}
    assert seen["provider_fallback_from"] == provider
    assert len(stub.calls) == 2


@pytest.fixture
def other(configured: None, provider: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The one that cannot be asked here."""
    [other] = MODELS.keys() - {provider}
    for variable in ("API_KEY", "BASE_URL"):
        monkeypatch.delenv(f"{other.upper()}_{variable}")
    return other


async def test_job_request_and_picture_tell_of_the_same_fallback(
    other: str,
    client: AsyncClient,
    owner_id: UUID,
    neighbours: Neighbours,
    working: Working,
    chain: Providers,
    service: Service[Any],
    stub: Stub,
) -> None:
    """From the one that was asked for, whoever else could not do it either."""
    product_id = await neighbours.product(owner_id)
    stub.script.append("500")
    async with working(chain):
        seen = await made(client, product_id, provider=other)
    [image] = seen["images"]
    query = "SELECT data -> 'result' FROM events WHERE stream_id = $1 AND type = 'generation.job_finished'"
    result = await service.db.pool.fetchval(query, UUID(seen["id"]))
    assert (image["provider"], len(stub.calls)) == ("local", 1)
    told = [one["provider_fallback_from"] for one in (result, seen, image)]
    assert told == [other, other, other]


async def test_an_answer_of_no_use_is_paid_for_and_told(
    client: AsyncClient,
    owner_id: UUID,
    neighbours: Neighbours,
    working: Working,
    chain: Providers,
    provider: str,
    stub: Stub,
) -> None:
    product_id = await neighbours.product(owner_id)
    stub.script.append("none")
    async with working(chain):
        seen = await made(client, product_id)
    [one] = seen["images"]
    call = (await client.get(f"/generated-images/{one['id']}")).json()["call"]
    [failed] = call["failed_attempts"]
    assert (failed["code"], failed["model"]) == ("provider_no_image", MODELS[provider])
    assert (one["provider"], call["cost"]) == ("local", 0)
    assert seen["cost"] == failed["cost"] > 0.01


async def test_a_request_that_failed_wholly_tells_who_was_asked_and_what_it_cost(
    client: AsyncClient,
    owner_id: UUID,
    neighbours: Neighbours,
    working: Working,
    chain: Providers,
    service: Service[Any],
    provider: str,
    stub: Stub,
) -> None:
    """One picture is refused; of the other one there is twice an answer without a picture."""
    product_id = await neighbours.product(owner_id)
    stub.script.extend([REFUSED[provider], "none", "none"])
    async with working(chain):
        seen = await made(client, product_id, count=2, fallback=False)
    assert (seen["status"], seen["code"], seen["retryable"]) == ("failed", "provider_no_image", True)
    assert sorted(one["code"] for one in seen["failures"]) == ["content_refused", "provider_no_image"]
    attempts = [attempt for one in seen["failures"] for attempt in one["failed_attempts"]]
    assert len(attempts) == len(stub.calls) == 3
    for attempt in attempts:
        assert (attempt["provider"], attempt["model"]) == (provider, MODELS[provider])
        assert attempt["request_id"] in ("req_1", "response-1")
        assert attempt["latency_ms"] > 0
    costs = [attempt["cost"] for attempt in attempts if attempt["code"] == "provider_no_image"]
    assert min(costs) > 0.01
    assert seen["cost"] == pytest.approx(sum(attempt["cost"] or 0 for attempt in attempts))
    steps = await service.db.pool.fetch(FAILED_STEPS, UUID(seen["id"]))
    assert {row["code"] for row in steps} == {"content_refused", "provider_no_image"}


async def test_what_was_asked_in_vain_before_is_in_the_provenance(
    client: AsyncClient,
    owner_id: UUID,
    neighbours: Neighbours,
    working: Working,
    chain: Providers,
    provider: str,
    stub: Stub,
) -> None:
    product_id = await neighbours.product(owner_id)
    stub.script.extend(["garbage", None])
    async with working(chain):
        seen = await made(client, product_id, fallback=False)
    [one] = seen["images"]
    call = (await client.get(f"/generated-images/{one['id']}/provenance")).json()["call"]
    [failed] = call["failed_attempts"]
    assert (failed["code"], failed["provider"], call["attempts"]) == ("provider_bad_response", provider, 2)
    assert failed["cost"] > 0.01
    assert seen["cost"] == pytest.approx(call["cost"] + failed["cost"])


@pytest.mark.parametrize("word", ["429", "reset", "broken"])
async def test_without_fallback_the_job_tries_again_and_nothing_is_paid_twice(
    client: AsyncClient,
    owner_id: UUID,
    neighbours: Neighbours,
    working: Working,
    chain: Providers,
    service: Service[Any],
    stub: Stub,
    word: str,
) -> None:
    product_id = await neighbours.product(owner_id)
    stub.script.extend([word, None, None])
    waits: list[float] = []
    async with working(chain):

        async def hurried() -> bool:
            """Nobody waits seven seconds in a test."""
            put_off = await service.db.pool.fetch(PUT_OFF)
            waits.extend(row["seconds"] for row in put_off)
            return len(stub.calls) == 3

        request = made(client, product_id, count=2, fallback=False)
        seen, _ = await asyncio.gather(request, eventually(hurried, seconds=60))
    assert (seen["status"], seen["attempts"], len(seen["images"])) == ("completed", 2, 2)
    assert len(stub.calls) == 3
    assert (max(waits) > 5) == (word == "429"), "both stubs tell whom they send away to wait seven seconds"


async def test_an_alias_and_a_price_are_told_before(
    client: AsyncClient, owner_id: UUID, neighbours: Neighbours, stub: Stub
) -> None:
    product_id = await neighbours.product(owner_id)
    wish = {"prompt": "x", "model": "gemini-3-pro-image-preview", "resolution": "4K", "dry_run": True}
    told = (await client.post(f"/products/{product_id}/generate", json=wish)).json()
    assert (told["provider"], told["model"]) == ("gemini", "gemini-3-pro-image")
    assert (told["unit_cost"], stub.calls) == ("0.24", [])

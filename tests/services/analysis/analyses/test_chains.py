"""Specifications by the providers that the settings name, whose wire protocols stubs speak."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient

from libs.common.service import Service
from libs.providers.chain import Providers
from services.analysis.settings import AnalysisSettings
from tests.peers.both import Peers, both_served
from tests.services.analysis.conftest import Running
from tests.services.analysis.neighbours import MUG, Catalog

MODELS = {"openai": "gpt-6.1-terra", "gemini": "gemini-3.8-flash"}


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
    for name, value in ({**peers.env, "PROVIDERS_VISION_DESCRIBE": f"{provider},local"}).items():
        monkeypatch.setenv(name, value)


async def test_the_first_of_the_chain_describes_and_local_steps_in(
    client: AsyncClient,
    catalog: Catalog,
    feeds: None,
    working: Running,
    owner_id: UUID,
    service: Service[AnalysisSettings],
    peers: Peers,
    provider: str,
) -> None:
    product_id = await catalog.product(owner_id, MUG)
    async with working(Providers.from_settings(service.settings)):
        described = (await client.post(f"/products/{product_id}/analyze")).json()
        peers.stubs[provider].script.append("400")
        fallen_back = (await client.post(f"/products/{product_id}/analyze")).json()
    assert (described["provider"], described["model"]) == (provider, MODELS[provider])
    assert "title: Mug\ncategory:\n  value: example\n" in described["yaml_content"], "the title is the user's"
    assert (fallen_back["provider"], fallen_back["provider_fallback_from"]) == ("local", provider)
    call = (await client.get(f"/jobs/{described['job_id']}")).json()["result"]["call"]
    assert call["usage"]["input_tokens"] > 0
    assert (call["attempts"], call["failed_attempts"]) == (1, [])
    assert 0 < call["cost"] < 0.1


async def test_a_failed_job_tells_who_was_asked_and_what_it_cost(
    client: AsyncClient,
    catalog: Catalog,
    feeds: None,
    working: Running,
    owner_id: UUID,
    service: Service[AnalysisSettings],
    peers: Peers,
    provider: str,
) -> None:
    product_id = await catalog.product(owner_id, MUG)
    peers.stubs[provider].script.append("truncate")
    async with working(Providers.from_settings(service.settings)):
        answer = await client.post(f"/products/{product_id}/analyze", json={"fallback": False})
    assert (answer.status_code, answer.json()["code"]) == (502, "provider_truncated")
    [job] = (await client.get("/jobs")).json()["items"]
    [attempt] = job["result"]["failed_attempts"]
    assert (attempt["step"], attempt["provider"], attempt["model"]) == (
        "describe",
        provider,
        MODELS[provider],
    )
    assert (attempt["code"], attempt["message"]) == (job["code"], job["error_message"])
    assert attempt["request_id"] in ("req_1", "response-1")
    assert attempt["latency_ms"] > 0
    assert job["cost"] == attempt["cost"] > 0
    [failed] = await _failures(service, job["id"])
    assert {"step": "describe", **failed} == attempt


async def test_earlier_attempts_are_in_the_record_of_the_one_that_succeeds(
    client: AsyncClient,
    catalog: Catalog,
    feeds: None,
    working: Running,
    owner_id: UUID,
    service: Service[AnalysisSettings],
    peers: Peers,
    provider: str,
) -> None:
    product_id = await catalog.product(owner_id, MUG)
    peers.stubs[provider].script.extend(["garbage", None])
    async with working(Providers.from_settings(service.settings)):
        made = (await client.post(f"/products/{product_id}/analyze", json={"fallback": False})).json()
    job = (await client.get(f"/jobs/{made['job_id']}")).json()
    call = job["result"]["call"]
    [attempt] = call["failed_attempts"]
    assert (attempt["code"], call["attempts"]) == ("provider_bad_response", 2)
    assert job["cost"] == pytest.approx(call["cost"] + attempt["cost"])
    assert attempt["cost"] > 0


async def _failures(service: Service[AnalysisSettings], job_id: str) -> Any:
    query = "SELECT data -> 'failed_attempts' FROM events WHERE stream_id = $1 AND type = $2"
    return await service.db.pool.fetchval(query, UUID(job_id), "analysis.analysis_failed")


async def test_a_refusal_says_why_and_nobody_else_is_asked(
    client: AsyncClient,
    catalog: Catalog,
    feeds: None,
    working: Running,
    owner_id: UUID,
    service: Service[AnalysisSettings],
    peers: Peers,
    provider: str,
) -> None:
    product_id = await catalog.product(owner_id, MUG)
    peers.stubs[provider].script.append("refuse")
    async with working(Providers.from_settings(service.settings)):
        answer = await client.post(f"/products/{product_id}/analyze")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "content_refused")
    assert provider in problem["detail"].lower()

"""Specifications by the providers that the settings name, whose wire protocols stubs speak."""

from collections.abc import Iterator
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
    assert "title: example\n" in described["yaml_content"]
    assert (fallen_back["provider"], fallen_back["provider_fallback_from"]) == ("local", provider)
    call = (await client.get(f"/jobs/{described['job_id']}")).json()["result"]["call"]
    assert call["usage"]["input_tokens"] > 0
    assert (call["attempts"], call["failed_attempts"]) == (1, [])
    assert 0 < call["cost"] < 0.1


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

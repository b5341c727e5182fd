"""The main job with the real providers' models, whose wire protocols stubs speak, and with `local` in their place."""

from typing import Any

import pytest

from tests.peers.both import Peers
from tests.peers.stub import Stub
from tests.system.client import Client, photo

MODELS = {
    "openai": ("gpt-6.1-terra", "gpt-image-2.6-flare"),
    "gemini": ("gemini-3.8-flash", "gemini-3.1-flash-image"),
}


@pytest.fixture(params=MODELS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def stub(peers: Peers, provider: str) -> Stub:
    chosen = peers.stubs[provider]
    chosen.calls.clear()
    chosen.script.clear()
    return chosen


async def analysed(client: Client, provider: str, **wish: Any) -> tuple[str, Any]:
    """A product with a photo, and what was answered about its analysis."""
    product = (await client.post("/products", json={"title": "Mug"}))["id"]
    files = [("files", ("mug.png", photo(7), "image/png"))]
    await client.post(f"/products/{product}/upload-references", files=files)
    answer = await client.request(
        "POST", f"/products/{product}/analyze", json={"provider": provider, **wish}, timeout=60
    )
    return product, answer


async def generated(client: Client, product: str, **wish: Any) -> Any:
    body = {"prompt": "on marble", "resolution": "1K", "aspect_ratio": "4:5", "seed": 5, **wish}
    accepted = await client.post(f"/products/{product}/generate", json=body)
    await client.finished(accepted["request_id"])
    return await client.get(f"/generation-requests/{accepted['request_id']}")


async def test_the_main_job_with_a_fallback_to_local_halfway(
    client: Client, provider: str, stub: Stub
) -> None:
    vision, images = MODELS[provider]
    product, answer = await analysed(client, provider)
    made = answer.json()
    assert (answer.status_code, made["provider"], made["model"]) == (200, provider, vision)
    assert made["provider_fallback_from"] is None
    stub.script.extend(["500", None])
    seen = await generated(client, product, provider=provider, count=2)
    assert (seen["status"], seen["attempts"]) == ("completed", 1)
    assert sorted(one["provider"] for one in seen["images"]) == sorted(["local", provider])
    assert seen["provider_fallback_from"] == provider
    for one in seen["images"]:
        origin = (await client.get(f"/generated-images/{one['id']}/provenance"))["call"]
        if one["provider"] == "local":
            [failed] = origin["failed_attempts"]
            assert (failed["provider"], failed["code"]) == (provider, "provider_unavailable")
        else:
            assert (origin["model"], origin["failed_attempts"]) == (images, [])
            assert origin["request_id"]
            assert origin["usage"]["output_tokens"] > 1000
            assert origin["cost"] > 0.01
            assert origin["digital_source"] == "trainedAlgorithmicMedia"
    assert len(stub.calls) == 3, "one question and two pictures, each asked for once"
    assert seen["final_prompt"] in stub.calls[-1].text


async def test_without_fallback_a_failure_is_a_bad_gateway(client: Client, provider: str, stub: Stub) -> None:
    stub.script.append("403")
    _, answer = await analysed(client, provider, fallback=False)
    assert (answer.status_code, answer.json()["code"]) == (502, "provider_permission")


async def test_a_dry_run_tells_the_price_and_asks_nobody(client: Client, provider: str, stub: Stub) -> None:
    product, _ = await analysed(client, provider)
    body = {"prompt": "on marble", "resolution": "4K", "count": 3, "provider": provider, "dry_run": True}
    estimate = await client.post(f"/products/{product}/generate", json=body)
    listed = {model["model"]: model for model in (await client.get("/models"))["models"]}
    model = listed[estimate["model"]]
    assert estimate["unit_cost"] == model["unit_cost"]["by_resolution"]["4K"]
    assert float(estimate["estimated_cost"]) == pytest.approx(3 * float(estimate["unit_cost"]))
    assert (model["available"], model["provider"]) == (True, provider)
    assert len(stub.calls) == 1

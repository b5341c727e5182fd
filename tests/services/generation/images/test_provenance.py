"""From a picture back to the photos."""

from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient

from tests.libs.common.waiting import eventually
from tests.services.generation.conftest import Working
from tests.services.generation.neighbours import Neighbours
from tests.services.generation.studio import Studio


@pytest.fixture
async def product_id(owner_id: UUID, neighbours: Neighbours) -> UUID:
    return await neighbours.product(owner_id)


@pytest.fixture
async def image(client: AsyncClient, product_id: UUID, working: Working, studio: Studio) -> dict[str, Any]:
    """A picture that was made, as the gallery shows it."""
    await client.post(f"/products/{product_id}/generate", json={"prompt": "on snow", "seed": 41})

    async def made() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await client.get(f"/products/{product_id}/gallery")).json()["items"]
        return items

    async with working(studio.providers()):
        [only] = await eventually(made)
    found: dict[str, Any] = only
    return found


async def trace(client: AsyncClient, image: dict[str, Any], **query: str) -> dict[str, Any]:
    answer = await client.get(f"/generated-images/{image['id']}/provenance", params=query)
    assert answer.status_code == 200, answer.text
    traced: dict[str, Any] = answer.json()
    return traced


async def test_the_whole_chain(
    client: AsyncClient, image: dict[str, Any], product_id: UUID, neighbours: Neighbours
) -> None:
    traced = await trace(client, image)
    photo = neighbours.products[str(product_id)]["references"][0]
    specification = neighbours.specifications[str(product_id)][0]
    assert (traced["image"]["sha256"], traced["image"]["seed"]) == (image["sha256"], 41)
    assert (traced["call"]["provider"], traced["call"]["model"]) == ("local", "studio/1")
    assert (traced["call"]["latency_ms"], traced["call"]["cost"]) == (12.5, 0.04)
    assert traced["call"]["digital_source"] == "trainedAlgorithmicMedia"
    assert traced["request"]["request_id"] == image["request_id"]
    assert traced["request"]["final_prompt"].endswith("Scene: on snow")
    assert traced["specification"] == {
        "specification_id": specification["specification_id"],
        "version": 1,
        "sha256": specification["sha256"],
        "unchanged": True,
        "origin": {"key": specification["key"], "is_active": True},
    }
    [reference] = traced["references"]
    assert (reference["sha256"], reference["s3_key"]) == (photo["sha256"], photo["key"])
    assert reference["upload"]["original_filename"] == "mug.png"


async def test_what_is_gone_since_stays_pinned(
    client: AsyncClient, image: dict[str, Any], product_id: UUID, neighbours: Neighbours
) -> None:
    neighbours.products[str(product_id)]["references"].clear()
    neighbours.specifications[str(product_id)][0]["sha256"] = "0" * 64
    traced = await trace(client, image)
    assert traced["references"][0]["upload"] is None
    assert traced["references"][0]["sha256"]
    assert traced["specification"]["unchanged"] is False


async def test_as_a_manifest_it_says_that_it_is_not_signed(
    client: AsyncClient, image: dict[str, Any]
) -> None:
    manifest = await trace(client, image, format="c2pa")
    assert (manifest["format"], manifest["instance_id"]) == ("image/png", f"xmp:iid:{image['id']}")
    assert manifest["signature_info"] is None
    assert manifest["notice"].startswith("Unsigned")
    actions, digest = manifest["assertions"]
    [created] = actions["data"]["actions"]
    assert created["action"] == "c2pa.created"
    assert created["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert created["parameters"]["seed"] == 41
    assert digest["data"]["hash"] == image["sha256"]
    [photo] = manifest["ingredients"]
    assert (photo["relationship"], photo["title"], photo["format"]) == ("inputTo", "mug.png", "image/png")


async def test_an_unknown_format_is_refused(client: AsyncClient, image: dict[str, Any]) -> None:
    answer = await client.get(f"/generated-images/{image['id']}/provenance", params={"format": "pdf"})
    assert answer.status_code == 422

"""The same again, and the same but for something."""

from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient, Response

from tests.libs.common.waiting import eventually
from tests.services.generation.conftest import Working
from tests.services.generation.neighbours import YAML, Neighbours
from tests.services.generation.studio import Studio

SAME = [
    "prompt",
    "custom_prompt_override",
    "final_prompt",
    "aspect_ratio",
    "resolution",
    "seeds",
    "specification_id",
    "specification_sha256",
    "references",
    "provider",
    "model",
]


@pytest.fixture
async def product_id(owner_id: UUID, neighbours: Neighbours) -> UUID:
    return await neighbours.product(owner_id)


@pytest.fixture
async def earlier(client: AsyncClient, product_id: UUID) -> dict[str, Any]:
    wish = {"prompt": "on snow", "resolution": "1K", "aspect_ratio": "3:2", "count": 2}
    return await seen(client, await client.post(f"/products/{product_id}/generate", json=wish))


async def again(client: AsyncClient, earlier: dict[str, Any], **body: Any) -> Response:
    return await client.post(f"/generation-requests/{earlier['id']}/rerun", json=body)


async def seen(client: AsyncClient, answer: Response) -> dict[str, Any]:
    """The request that was accepted."""
    assert answer.status_code == 202, answer.text
    request: dict[str, Any] = (await client.get(f"/generation-requests/{answer.json()['request_id']}")).json()
    return request


async def made(client: AsyncClient, request_id: str) -> list[dict[str, Any]]:
    """The pictures of a request once it is completed."""

    async def completed() -> dict[str, Any] | None:
        request: dict[str, Any] = (await client.get(f"/generation-requests/{request_id}")).json()
        return request if request["status"] == "completed" else None

    pictures: list[dict[str, Any]] = (await eventually(completed))["images"]
    return pictures


async def test_the_same_again(
    client: AsyncClient, earlier: dict[str, Any], product_id: UUID, neighbours: Neighbours
) -> None:
    """Although the product has another specification and another photo by now."""
    neighbours.specify(product_id, YAML.replace("Stoneware", "Blue"))
    neighbours.products[str(product_id)]["references"].clear()
    answer = await client.post(f"/generation-requests/{earlier['id']}/rerun")
    later = await seen(client, answer)
    assert {name: later[name] for name in SAME} == {name: earlier[name] for name in SAME}
    assert (later["rerun_of"], later["id"] != earlier["id"]) == (earlier["id"], True)


async def test_the_same_seeds_are_used_for_new_pictures(
    client: AsyncClient, earlier: dict[str, Any], working: Working, studio: Studio
) -> None:
    later = await seen(client, await again(client, earlier))
    async with working(studio.providers()):
        first, second = [await made(client, request["id"]) for request in (earlier, later)]
    assert [one["seed"] for one in first] == [one["seed"] for one in second] == earlier["seeds"]
    assert {one["id"] for one in first}.isdisjoint(one["id"] for one in second)


@pytest.mark.parametrize(
    "change",
    [
        {"aspect_ratio": "9:16"},
        {"resolution": "2K"},
        {"prompt": "on sand", "final_prompt": None},
        {"custom_prompt_override": "A red mug.", "final_prompt": "A red mug.\n\nScene: on snow"},
    ],
)
async def test_the_same_but_for_one_thing(
    client: AsyncClient, earlier: dict[str, Any], change: dict[str, Any]
) -> None:
    expected = change.pop("final_prompt", earlier["final_prompt"])
    later = await seen(client, await again(client, earlier, **change))
    changed = {name for name in SAME if later[name] != earlier[name]} - {"final_prompt"}
    assert changed == set(change)
    assert all(later[name] == value for name, value in change.items())
    assert later["final_prompt"] == (expected or earlier["final_prompt"].replace("on snow", "on sand"))


async def test_another_specification(
    client: AsyncClient, earlier: dict[str, Any], product_id: UUID, neighbours: Neighbours
) -> None:
    neighbours.specify(product_id, YAML.replace("Stoneware", "Blue"))
    later = await seen(client, await again(client, earlier, specification_version=2))
    assert later["specification_version"] == 2
    assert "Blue mug" in later["final_prompt"]
    missing = await again(client, earlier, version=3)
    assert (missing.status_code, missing.json()["code"]) == (404, "specification_not_found")


async def test_another_seed_and_count(client: AsyncClient, earlier: dict[str, Any]) -> None:
    assert (await seen(client, await again(client, earlier, seed=5)))["seeds"] == [5, 6]
    more = (await seen(client, await again(client, earlier, image_count=3)))["seeds"]
    assert more[:2] == earlier["seeds"]
    assert len(more) == 3


async def test_another_model(client: AsyncClient, earlier: dict[str, Any]) -> None:
    later = await seen(client, await again(client, earlier, model="gemini-3-pro-image-preview"))
    assert (later["provider"], later["provider_fallback_from"]) == ("local", "gemini")
    refused = await again(client, earlier, model="gemini-3-pro-image-preview", fallback=False)
    assert refused.status_code == 502


async def test_a_dry_run_changes_nothing(
    client: AsyncClient, earlier: dict[str, Any], product_id: UUID
) -> None:
    answer = await again(client, earlier, dry_run=True)
    assert (answer.status_code, answer.json()["final_prompt"]) == (200, earlier["final_prompt"])
    assert (await client.get(f"/products/{product_id}/generations")).json()["total"] == 1


@pytest.mark.parametrize(
    "body",
    [{"count": 9}, {"resolution": "8K"}, {"seed": -1}, {"version": 1, "specification_id": str(UUID(int=7))}],
)
async def test_a_bad_change_is_refused(client: AsyncClient, earlier: dict[str, Any], body: Any) -> None:
    assert (await again(client, earlier, **body)).status_code == 422


async def test_a_deleted_product_is_not_shown_again(
    client: AsyncClient, earlier: dict[str, Any], product_id: UUID, neighbours: Neighbours
) -> None:
    del neighbours.products[str(product_id)]
    answer = await again(client, earlier)
    assert (answer.status_code, answer.json()["code"]) == (404, "product_not_found")


async def test_generations_are_listed_with_their_pictures(
    client: AsyncClient, earlier: dict[str, Any], product_id: UUID, working: Working, studio: Studio
) -> None:
    async with working(studio.providers()):
        await made(client, earlier["id"])
    later = await seen(client, await again(client, earlier))
    path = f"/products/{product_id}/generations"
    listed = (await client.get(path)).json()
    assert [one["id"] for one in listed["items"]] == [later["id"], earlier["id"]]
    assert [len(one["images"]) for one in listed["items"]] == [0, 2]
    assert (await client.get(path, params={"limit": 1})).json()["pages"] == 2
    page = (await client.get(path, params={"limit": 1, "cursor": ""})).json()
    page = (await client.get(path, params={"limit": 1, "cursor": page["next_cursor"]})).json()
    assert ([one["id"] for one in page["items"]], page["next_cursor"]) == ([earlier["id"]], None)
    images = (await client.get(f"/generation-requests/{earlier['id']}/images")).json()
    assert images == listed["items"][1]["images"]

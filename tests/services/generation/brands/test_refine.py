"""A logo changed by an instruction: the parent stays, what comes of it is linked."""

from typing import Any

import pytest
from httpx import AsyncClient

from libs.common.service import Service
from libs.imaging import metadata
from libs.providers.chain import Providers
from libs.providers.errors import ErrorCode
from tests.services.generation.brands.conftest import Begin, until
from tests.services.generation.conftest import Working
from tests.services.generation.studio import Studio


async def made(client: AsyncClient, begin: Begin, **form: Any) -> str:
    """The first logo of a new project, with a worker running."""
    accepted = await begin(**{"count": "1"} | form)
    await until(client, f"/projects/{accepted['project_id']}", "completed")
    return str(accepted["asset_ids"][0])


async def design_of(service: Service[Any], client: AsyncClient, asset_id: str) -> dict[str, Any]:
    image = (await client.get(f"/generated-images/{asset_id}")).json()
    mark = metadata.read(await service.objects.get(image["s3_key"]))
    assert mark
    return dict(mark.record["design"])


async def test_a_drawn_logo_changes_in_what_is_named_and_in_nothing_else(
    client: AsyncClient, begin: Begin, service: Service[Any], working: Working, local: Providers
) -> None:
    async with working(local):
        parent = await made(client, begin)
        answer = await client.post(f"/assets/{parent}/refine", json={"instruction": "on a dark background"})
        assert answer.status_code == 202, answer.text
        accepted = answer.json()
        assert answer.headers["location"] == accepted["links"]["request"]
        child = await until(client, f"/assets/{accepted['asset_ids'][0]}", "completed")
    assert (child["parent_asset_id"], child["kind"]) == (parent, "refine")
    assert (child["prompt"], bool(child["vector_url"])) == ("on a dark background", True)
    before, after = [await design_of(service, client, one) for one in (parent, child["id"])]
    assert {name for name in before if before[name] != after[name]} == {"background", "history"}
    told = (await client.get(f"/generated-images/{child['id']}/provenance")).json()
    assert (told["parent"]["image_id"], told["parent"]["in_bin"]) == (parent, False)
    c2pa = (await client.get(f"/generated-images/{child['id']}/provenance?format=c2pa")).json()
    assert [one["relationship"] for one in c2pa["ingredients"]] == ["parentOf"]
    assert c2pa["assertions"][0]["data"]["actions"][0]["action"] == "c2pa.edited"
    [root] = (await client.get(f"/projects/{child['project_id']}/assets")).json()["items"]
    assert (root["id"], [one["id"] for one in root["children"]]) == (parent, [child["id"]])


async def test_a_model_is_shown_the_parent_and_told_how_much_to_keep(
    client: AsyncClient, begin: Begin, working: Working, studio: Studio
) -> None:
    async with working(studio.providers()):
        parent = await made(client, begin)
        body = {"instruction": "bluer", "strength": 0.2, "count": 2, "seed": 7}
        accepted = (await client.post(f"/assets/{parent}/refine", json=body)).json()
        for asset in accepted["asset_ids"]:
            await until(client, f"/assets/{asset}", "completed")
    changes = [asked for asked in studio.asked if asked.scene == "bluer"]
    assert sorted(asked.seed for asked in changes) == [7, 8]
    for asked in changes:
        assert [one.role for one in asked.references] == ["parent"]
        assert asked.prompt.startswith("Change the first picture: bluer\nChange as little as possible")
        assert asked.strength == 0.2


async def test_what_is_deleted_leaves_its_children(
    client: AsyncClient, begin: Begin, working: Working, studio: Studio
) -> None:
    async with working(studio.providers()):
        parent = await made(client, begin)
        accepted = (await client.post(f"/assets/{parent}/refine", json={"instruction": "bluer"})).json()
        child = await until(client, f"/assets/{accepted['asset_ids'][0]}", "completed")
    await client.delete(f"/generated-images/{parent}")
    listed = (await client.get(f"/projects/{child['project_id']}/assets")).json()
    assert ([one["id"] for one in listed["items"]], listed["total"]) == ([child["id"]], 1)
    assert (await client.get(f"/assets/{parent}")).status_code == 404
    assert (await client.post(f"/assets/{parent}/refine", json={"instruction": "x"})).status_code == 404
    await client.post(f"/generated-images/{parent}/restore")
    assert (await client.get(f"/assets/{parent}")).status_code == 200


async def test_only_a_logo_that_is_there_can_be_refined(
    client: AsyncClient, begin: Begin, working: Working, studio: Studio
) -> None:
    waiting = await begin(count="1")
    path = f"/assets/{waiting['asset_ids'][0]}/refine"
    answer = await client.post(path, json={"instruction": "bluer"})
    assert (answer.status_code, answer.json()["code"]) == (409, "asset_not_ready")
    studio.failures = {0: [ErrorCode.REFUSED]}
    async with working(studio.providers()):
        await until(client, f"/projects/{waiting['project_id']}", "failed")
    assert (await client.post(path, json={"instruction": "bluer"})).status_code == 409


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"instruction": ""},
        {"instruction": "x" * 4001},
        {"instruction": "x", "strength": 1.1},
        {"instruction": "x", "count": 5},
        {"instruction": "x", "count": True},
        {"instruction": "x", "size": "huge"},
        {"instruction": "x", "provider": "nobody"},
    ],
)
async def test_what_is_no_instruction_is_refused(
    client: AsyncClient, begin: Begin, working: Working, studio: Studio, body: dict[str, Any]
) -> None:
    async with working(studio.providers()):
        parent = await made(client, begin)
    assert (await client.post(f"/assets/{parent}/refine", json=body)).status_code == 422


async def test_a_logo_cannot_be_made_again_like_a_products_picture(client: AsyncClient, begin: Begin) -> None:
    accepted = await begin(count="1")
    answer = await client.post(f"/generation-requests/{accepted['request_id']}/rerun", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_repeatable")

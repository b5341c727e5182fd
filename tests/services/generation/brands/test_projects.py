"""From a brief to logos, as a brand designer sees it."""

from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient

from libs.common.service import Service
from libs.imaging import metadata
from libs.imaging.decode import inspect
from libs.providers.chain import Providers
from libs.providers.errors import ErrorCode
from tests.libs.imaging.drawings import encode, mug
from tests.services.generation.brands.conftest import FORM, Begin, until
from tests.services.generation.conftest import Working
from tests.services.generation.studio import Studio

PICTURE = encode(mug(128)[0])


async def test_a_project_is_accepted_with_where_to_look(client: AsyncClient, begin: Begin) -> None:
    accepted = await begin(count="3")
    project = f"/api/v1/projects/{accepted['project_id']}"
    assert accepted["status"] == "pending"
    assert accepted["stream_url"].partition("?")[0] == f"{project}/stream"
    assert accepted["links"]["project"] == project
    seen = (await client.get(project.removeprefix("/api/v1"))).json()
    assert (seen["brand_name"], seen["brief"], seen["count"]) == (FORM["brand_name"], FORM["brief"], 3)
    assert (seen["status"], seen["progress"], seen["cover_url"]) == ("pending", 0, None)
    assets = (await client.get(f"/projects/{accepted['project_id']}/assets")).json()
    assert [one["id"] for one in assets["items"]] == accepted["asset_ids"]
    assert {(one["status"], one["url"], one["prompt"]) for one in assets["items"]} == {
        ("pending", None, None)
    }


async def test_every_logo_gets_a_prompt_of_its_own(
    client: AsyncClient, begin: Begin, working: Working, studio: Studio
) -> None:
    accepted = await begin(count="2", seed="41", colors=["sage", "#aabbcc"], style="craft", tagline="At dawn")
    async with working(studio.providers()):
        seen = await until(client, f"/projects/{accepted['project_id']}", "completed")
    assert (seen["progress"], seen["colors"], seen["style"]) == (100, ["sage", "#aabbcc"], ["craft"])
    [brief] = studio.briefs
    assert (brief.brand_name, brief.tagline, brief.purpose) == ("Morning Ember", "At dawn", "logo")
    assert sorted((asked.index, asked.seed) for asked in studio.asked) == [(0, 41), (1, 42)]
    for asked in studio.asked:
        assert f"Direction: idea {asked.index + 1}" in asked.prompt
        assert "“Morning Ember”" in asked.prompt
        assert asked.brief
    listed = (await client.get(f"/projects/{accepted['project_id']}/assets")).json()["items"]
    assert [(one["status"], one["prompt"], one["index"]) for one in listed] == [
        ("completed", "idea 1", 1),
        ("completed", "idea 2", 2),
    ]
    image = (await client.get(f"/generated-images/{listed[0]['id']}")).json()
    assert (image["kind"], image["project_id"], image["prompt"]) == ("brand_logo", seen["id"], "idea 1")
    told = (await client.get(f"/generated-images/{listed[0]['id']}/provenance")).json()
    assert (told["request"]["prompt"], told["references"]) == (FORM["brief"], [])


async def test_without_keys_logos_are_drawn_as_svg_too(
    client: AsyncClient, begin: Begin, service: Service[Any], working: Working, local: Providers
) -> None:
    accepted = await begin(count="2")
    async with working(local):
        await until(client, f"/projects/{accepted['project_id']}", "completed")
    listed = (await client.get(f"/projects/{accepted['project_id']}/assets")).json()["items"]
    assert listed[0]["prompt"] == "Logo for “Morning Ember”: cup above the name in modern letters"
    for one in listed:
        image = (await client.get(f"/generated-images/{one['id']}")).json()
        data = await service.objects.get(image["s3_key"])
        mark = metadata.read(data)
        assert mark
        assert mark.record["design"]["name"] == "Morning Ember"
        assert mark.record["project_id"] == accepted["project_id"]
        assert (inspect(data).width, inspect(data).height) == (one["width"], one["height"])
        key = one["vector_url"].partition("?")[0].partition("/vitrine/")[2]
        assert (await service.objects.get(key)).startswith(b"<svg ")
        assert (await service.objects.stat(key)).content_type == "image/svg+xml"


async def test_pictures_that_one_likes_go_to_whoever_writes_the_prompts(
    client: AsyncClient, working: Working, studio: Studio
) -> None:
    files = [("inspiration_images[]", ("a mood.png", PICTURE, "image/png"))] * 2
    answer = await client.post("/projects", data=FORM, files=files)
    accepted = answer.json()
    async with working(studio.providers()):
        seen = await until(client, f"/projects/{accepted['project_id']}", "completed")
    shown = seen["inspiration_images"]
    assert [(one["original_filename"], one["width"]) for one in shown] == [("a mood.png", 128)] * 2
    assert [picture.role for picture in studio.briefs[0].references] == ["reference"] * 2
    assert all(not asked.references for asked in studio.asked), "nobody's logo is copied"


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"brand_name": " "}, "validation_error"),
        ({"brief": "x" * 4001}, "validation_error"),
        ({"count": "9"}, "validation_error"),
        ({"count": "many"}, "validation_error"),
        ({"colors": ["x"] * 11}, "validation_error"),
        ({"colors": ["#green"]}, "validation_error"),
        ({"aspect_ratio": "7:1"}, "validation_error"),
        ({"seed": "-1"}, "validation_error"),
        ({"brand_name": "a\x00b"}, "validation_error"),
        ({"provider": "nobody"}, "unknown_provider"),
        ({"model": "nothing"}, "unknown_model"),
    ],
)
async def test_what_is_no_brief_is_refused(client: AsyncClient, form: dict[str, Any], code: str) -> None:
    answer = await client.post("/projects", data=FORM | form)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (await client.get("/projects")).json()["total"] == 0


@pytest.mark.parametrize(
    ("form", "detail"),
    [
        ({"brand_name": " "}, "brand_name: should have at least 1 character"),
        ({"tagline": "x" * 81}, "tagline: should have at most 80 characters"),
        ({"brand_name": "a\x00b"}, "brand_name: must not contain the character U+0000"),
        ({"colors": "#ab"}, "colors.0: a colour's number is # and six hexadecimal digits, as in #0a5c36"),
    ],
)
async def test_a_refusal_says_what_to_change(client: AsyncClient, form: dict[str, Any], detail: str) -> None:
    assert (await client.post("/projects", data=FORM | form)).json()["detail"] == detail


async def test_pictures_that_are_none_are_refused_and_not_kept(
    client: AsyncClient, service: Service[Any], owner_id: UUID
) -> None:
    good, bad = ("good.png", PICTURE, "image/png"), ("bad.png", b"nothing", "image/png")
    answer = await client.post(
        "/projects", data=FORM, files=[("inspiration_images", good), ("inspiration_images", bad)]
    )
    assert (answer.status_code, answer.json()["code"]) == (415, "not_an_image")
    answer = await client.post("/projects", data=FORM, files=[("inspiration_images", good)] * 6)
    assert (answer.status_code, answer.json()["code"]) == (422, "number_of_files")
    assert await service.objects.keys(f"inspiration-images/{owner_id}/") == []


async def test_a_dry_run_says_what_the_pictures_would_cost(client: AsyncClient) -> None:
    answer = await client.post("/projects", data=FORM | {"dry_run": "true", "count": "3"})
    assert answer.status_code == 200
    assert (answer.json()["provider"], answer.json()["count"]) == ("local", 3)
    assert float(answer.json()["estimated_cost"]) == 0
    assert (await client.get("/projects")).json()["total"] == 0


async def test_a_repeated_request_begins_one_project(client: AsyncClient) -> None:
    headers = {"idempotency-key": "ember-1"}
    first, again = [await client.post("/projects", data=FORM, headers=headers) for _ in range(2)]
    assert first.json() == again.json()
    assert (await client.get("/projects")).json()["total"] == 1


async def test_logos_that_are_refused_have_failed_and_the_others_are_there(
    client: AsyncClient, begin: Begin, working: Working, studio: Studio
) -> None:
    studio.failures = {1: [ErrorCode.REFUSED]}
    accepted = await begin(count="3")
    async with working(studio.providers()):
        await until(client, f"/projects/{accepted['project_id']}", "completed")
    listed = (await client.get(f"/projects/{accepted['project_id']}/assets")).json()["items"]
    assert [(one["status"], one["code"]) for one in listed] == [
        ("completed", None),
        ("failed", "content_refused"),
        ("completed", None),
    ]
    assert (await client.get(f"/assets/{listed[1]['id']}")).json()["error_message"] == "not today"


async def test_prompts_are_tried_again_and_paid_for_once(
    client: AsyncClient, begin: Begin, service: Service[Any], working: Working, studio: Studio
) -> None:
    studio.unwilling, studio.failures = [ErrorCode.RATE_LIMITED], {0: [ErrorCode.TIMEOUT]}
    accepted = await begin(count="1")
    async with working(studio.providers()):
        await until(client, f"/projects/{accepted['project_id']}", "completed")
    assert (len(studio.briefs), studio.calls) == (2, {0: 2})
    call = await service.db.pool.fetchval(
        "SELECT data -> 'call' FROM events WHERE stream_id = $1 AND type = 'generation.prompts_written'",
        UUID(accepted["request_id"]),
    )
    assert (call["provider"], call["request_id"]) == ("local", "p-1")


async def test_a_brief_that_is_refused_fails_the_project(
    client: AsyncClient, begin: Begin, working: Working, studio: Studio
) -> None:
    studio.unwilling = [ErrorCode.REFUSED]
    accepted = await begin(count="2")
    async with working(studio.providers()):
        seen = await until(client, f"/projects/{accepted['project_id']}", "failed")
    assert (seen["code"], seen["error_message"]) == ("content_refused", "not today")
    listed = (await client.get(f"/projects/{accepted['project_id']}/assets")).json()["items"]
    assert {(one["status"], one["code"]) for one in listed} == {("failed", "content_refused")}


async def test_projects_are_listed_newest_first_with_their_newest_logo(
    client: AsyncClient, begin: Begin, working: Working, studio: Studio
) -> None:
    first = await begin(count="1")
    async with working(studio.providers()):
        await until(client, f"/projects/{first['project_id']}", "completed")
    await begin(brand_name="Aurora", count="1")
    listed = (await client.get("/projects")).json()
    assert [one["brand_name"] for one in listed["items"]] == ["Aurora", "Morning Ember"]
    assert [bool(one["cover_url"]) for one in listed["items"]] == [False, True]
    by_name = (await client.get("/projects", params={"sort": "-brand_name", "limit": 1, "cursor": ""})).json()
    assert ([one["brand_name"] for one in by_name["items"]], by_name["total"]) == (["Morning Ember"], 2)
    rest = (
        await client.get(
            "/projects", params={"sort": "-brand_name", "limit": 1, "cursor": by_name["next_cursor"]}
        )
    ).json()
    assert [one["brand_name"] for one in rest["items"]] == ["Aurora"]


async def test_a_strangers_projects_do_not_exist(
    client: AsyncClient, stranger: AsyncClient, begin: Begin
) -> None:
    accepted = await begin(count="1")
    project, asset = f"/projects/{accepted['project_id']}", f"/assets/{accepted['asset_ids'][0]}"
    refused = [
        await stranger.get(project),
        await stranger.get(f"{project}/assets"),
        await stranger.get(f"{project}/stream"),
        await stranger.get(asset),
        await stranger.post(f"{asset}/refine", json={"instruction": "bluer"}),
    ]
    assert [answer.status_code for answer in refused] == [404] * 5
    assert (await stranger.get("/projects")).json()["items"] == []

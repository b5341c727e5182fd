"""Try-ons: a person's photo and garments in, pictures out."""

from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient, Response

from libs.common.service import Service
from libs.providers.chain import Providers
from libs.providers.errors import ErrorCode
from tests.libs.common.waiting import eventually
from tests.libs.imaging.drawings import encode, mug, photo, shirt
from tests.services.generation.conftest import Working
from tests.services.generation.studio import Studio

PICTURE, TOP = encode(mug()[0]), encode(shirt(200)[0])
Files = dict[str, tuple[str, bytes, str]]


def photos(*fields: str, data: bytes = PICTURE) -> Files:
    return {field: (f"{field}.png", data, "image/png") for field in fields}


async def ask(
    client: AsyncClient, *, path: str = "/tryon", files: Files | None = None, **form: Any
) -> Response:
    return await client.post(
        path, data=form, files=photos("person_image", "garment_image") if files is None else files
    )


async def done(client: AsyncClient, accepted: Response, status: str = "done") -> dict[str, Any]:
    assert accepted.status_code == 202, accepted.text

    async def reached() -> dict[str, Any] | None:
        seen: dict[str, Any] = (await client.get(f"/job/{accepted.json()['job_id']}")).json()
        return seen if seen["status"] == status else None

    found: dict[str, Any] = await eventually(reached, seconds=60)
    return found


async def test_it_is_accepted_at_once_and_its_pictures_follow(
    client: AsyncClient, working: Working, studio: Studio, owner_id: UUID
) -> None:
    accepted = await ask(client, prompt="sleeves rolled up", category="tops", num_samples="2", seed="7")
    told = accepted.json()
    assert (told["status"], told["job_id"]) == ("queued", told["request_id"])
    assert accepted.headers["location"] == f"/api/v1/job/{told['job_id']}"
    assert (await client.get(f"/job/{told['job_id']}")).json()["progress"] == 0
    assert (await client.get(f"/job/{told['job_id']}/result")).json()["code"] == "not_ready"
    async with working(studio.providers()):
        seen = await done(client, accepted)
    assert (seen["progress"], seen["kind"], len(seen["images"])) == (100, "tryon", 2)
    assert seen["result_url"] == seen["images"][0]["url"]
    assert [image["seed"] for image in seen["images"]] == [7, 8]
    assert [image["storage_path"].rpartition("/")[0] for image in seen["images"]] == [
        f"tryon-results/{owner_id}/{told['job_id']}"
    ] * 2
    result = (await client.get(f"/job/{told['job_id']}/result")).json()
    assert result["result_urls"] == [image["url"] for image in seen["images"]]
    for asked in studio.asked:
        assert [(one.role, one.slot) for one in asked.references] == [
            ("person", None),
            ("garment", "upper_body"),
        ]
        assert asked.prompt.endswith("Also: sleeves rolled up")


async def test_a_top_is_worn_over_a_bottom(client: AsyncClient, working: Working, studio: Studio) -> None:
    files = photos("selfie", "top_image", "bottom_image")
    async with working(studio.providers()):
        seen = await done(client, await ask(client, path="/tryon/multi", files=files))
    assert (seen["kind"], [one["slot"] for one in seen["garments"]]) == (
        "tryon_multi",
        ["lower_body", "upper_body"],
    )
    assert [one.slot for one in studio.asked[0].references] == [None, "lower_body", "upper_body"]
    image = (await client.get(f"/generated-images/{seen['images'][0]['id']}/provenance")).json()
    assert [(one["role"], one["upload"]) for one in image["references"]] == [
        ("person", None),
        ("garment", None),
        ("garment", None),
    ]


async def test_a_preview_says_that_it_is_one(client: AsyncClient, working: Working, local: Providers) -> None:
    files = photos("person_image", data=photo("astronaut.png")) | photos("garment_image", data=TOP)
    async with working(local):
        seen = await done(client, await ask(client, files=files))
    [image] = seen["images"]
    assert (image["preview"], 0 < image["confidence"] < 0.6) == (True, True)
    assert image["warnings"][0].startswith("placement preview")


async def test_what_nobody_can_try_on_fails_with_the_reason(
    client: AsyncClient, working: Working, local: Providers
) -> None:
    async with working(local):
        seen = await done(client, await ask(client), "failed")
    assert (seen["code"], seen["result_url"]) == (ErrorCode.UNSUPPORTED, None)
    assert "no frontal face" in seen["error_message"]
    result = await client.get(f"/job/{seen['job_id']}/result")
    assert (result.status_code, result.json()["code"]) == (409, "job_failed")


@pytest.mark.parametrize(
    ("path", "fields", "form", "status", "code"),
    [
        ("/tryon", ["garment_image"], {}, 422, "person_missing"),
        ("/tryon", ["person_image"], {}, 422, "garment_missing"),
        ("/tryon/multi", ["person_image"], {}, 422, "garment_missing"),
        ("/tryon", ["person_image", "garment_image"], {"category": "hats"}, 422, "validation_error"),
        ("/tryon", ["person_image", "garment_image"], {"num_samples": "5"}, 422, "validation_error"),
        ("/tryon", ["person_image", "garment_image"], {"provider": "nobody"}, 422, "unknown_provider"),
    ],
)
async def test_what_cannot_be_tried_on_is_refused(
    client: AsyncClient, path: str, fields: list[str], form: dict[str, str], status: int, code: str
) -> None:
    answer = await ask(client, path=path, files=photos(*fields), **form)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await client.get("/tryon")).json()["total"] == 0


async def test_a_photo_that_is_none_is_named_and_nothing_is_kept(
    client: AsyncClient, service: Service[Any], owner_id: UUID
) -> None:
    files = photos("person_image") | photos("garment_image", data=b"nothing")
    answer = await ask(client, files=files)
    assert (answer.status_code, answer.json()["code"]) == (415, "not_an_image")
    assert answer.json()["errors"][0]["loc"][1] == "garment_image"
    huge = await ask(client, files=files | photos("person_image", data=PICTURE + bytes(6 * 2**20)))
    assert (huge.status_code, huge.json()["code"]) == (413, "file_too_large")
    assert await service.objects.keys(f"tryon-results/{owner_id}/") == []


async def test_a_dry_run_says_what_it_would_cost_and_does_nothing(client: AsyncClient) -> None:
    answer = await ask(client, num_samples="3", dry_run="true")
    assert (answer.status_code, answer.json()["count"], answer.json()["provider"]) == (200, 3, "local")
    assert (await client.get("/tryon")).json()["total"] == 0


async def test_the_list_is_ones_own_newest_first_and_by_status(
    client: AsyncClient, stranger: AsyncClient, working: Working, studio: Studio
) -> None:
    first = await ask(client)
    async with working(studio.providers()):
        await done(client, first)
    second = await ask(client)
    listed = (await client.get("/tryon?limit=20")).json()
    assert [(one["job_id"], one["status"]) for one in listed["items"]] == [
        (second.json()["job_id"], "queued"),
        (first.json()["job_id"], "done"),
    ]
    assert [one["job_id"] for one in (await client.get("/tryon?status=done")).json()["items"]] == [
        first.json()["job_id"]
    ]
    assert (await client.get("/tryon?status=completed")).status_code == 422
    job = first.json()["job_id"]
    assert (await stranger.get("/tryon")).json()["total"] == 0
    for path in (f"/job/{job}", f"/job/{job}/result"):
        assert (await stranger.get(path)).json()["code"] == "job_not_found"


async def test_one_that_is_cancelled_has_failed_for_that_reason(client: AsyncClient) -> None:
    accepted = await ask(client)
    await client.delete(accepted.json()["links"]["cancel"].removeprefix("/api/v1"))
    seen = await done(client, accepted, "failed")
    assert seen["code"] == "cancelled"


async def test_it_is_not_made_again_from_its_request(client: AsyncClient) -> None:
    job = (await ask(client)).json()["job_id"]
    again = await client.post(f"/generation-requests/{job}/rerun")
    assert (again.status_code, again.json()["code"]) == (409, "not_repeatable")

"""Removed backgrounds: a photo in, a transparent picture out, in one answer if it comes in time."""

import io
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient
from PIL import Image

from libs.common.service import Service
from libs.imaging import metadata
from libs.providers.chain import Providers
from libs.providers.errors import ErrorCode
from services.generation.settings import GenerationSettings
from tests.libs.imaging.drawings import encode, mug
from tests.services.generation.conftest import Working
from tests.services.generation.studio import Studio

MUG = {"image": ("my mug.png", encode(mug()[0]), "image/png")}


async def test_the_answer_is_the_cut_out_picture(
    client: AsyncClient, service: Service[GenerationSettings], working: Working, local: Providers
) -> None:
    async with working(local):
        answer = await client.post("/remove-bg", files=MUG)
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert 0 < made["confidence"] <= 1
    assert (made["image"]["kind"], made["image"]["url"]) == ("background_removal", made["image_url"])
    data = await service.objects.get(made["image"]["s3_key"])
    with Image.open(io.BytesIO(data)) as picture:
        low, high = picture.getchannel("A").getextrema()
    assert (low, high) == (0, 255)
    mark = metadata.read(data)
    assert mark
    assert mark.record["request_id"] == made["request_id"]
    traced = (await client.get(f"/generated-images/{made['image']['id']}/provenance")).json()
    assert [one["role"] for one in traced["references"]] == ["product"]


async def test_who_wants_the_png_itself_is_led_to_it(
    client: AsyncClient, working: Working, studio: Studio
) -> None:
    async with working(studio.providers()):
        answer = await client.post(
            "/remove-bg", files=MUG, data={"subject": "person"}, headers={"accept": "image/png"}
        )
    assert (answer.status_code, answer.headers["location"].split("?")[0][-4:]) == (303, ".png")
    assert [one.role for one in studio.asked[0].references] == ["person"]


async def test_who_does_not_want_to_wait_gets_a_job(client: AsyncClient) -> None:
    answer = await client.post("/remove-bg", files=MUG, headers={"prefer": "respond-async"})
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    assert answer.headers["location"] == answer.json()["links"]["request"]
    seen = (await client.get(f"/generation-requests/{answer.json()['request_id']}")).json()
    assert (seen["kind"], seen["count"]) == ("background_removal", 1)


async def test_what_takes_too_long_is_a_job_as_well(
    client: AsyncClient, service: Service[GenerationSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    hasty = service.settings.model_copy(update={"remove_bg_sync_seconds": 0.05})
    monkeypatch.setattr(service, "settings", hasty)
    assert (await client.post("/remove-bg", files=MUG)).status_code == 202


@pytest.mark.parametrize(
    ("code", "status"), [(ErrorCode.REFUSED, 422), (ErrorCode.AUTH, 502), (ErrorCode.UNSUPPORTED, 422)]
)
async def test_why_there_is_none_is_the_answer(
    client: AsyncClient, working: Working, studio: Studio, code: ErrorCode, status: int
) -> None:
    studio.failures = {0: [code]}
    async with working(studio.providers()):
        answer = await client.post("/remove-bg", files=MUG)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_what_is_no_picture_is_refused(
    client: AsyncClient, service: Service[Any], owner_id: UUID
) -> None:
    missing = await client.post("/remove-bg")
    assert (missing.status_code, missing.json()["code"]) == (422, "image_missing")
    text = await client.post("/remove-bg", data={"image": "mug.png"})
    assert text.json()["detail"] == "image: must be a file, with a name"
    nothing = await client.post("/remove-bg", files={"image": ("x.png", b"nothing", "image/png")})
    assert (nothing.status_code, nothing.json()["code"]) == (415, "not_an_image")
    hat = await client.post("/remove-bg", files=MUG, data={"subject": "hat"})
    assert (hat.status_code, hat.json()["code"]) == (422, "validation_error")
    assert await service.objects.keys(f"generated-assets/{owner_id}/") == []


async def test_a_dry_run_says_what_it_would_cost(client: AsyncClient) -> None:
    answer = await client.post("/remove-bg", data={"dry_run": "true"})
    assert (answer.status_code, answer.json()["estimated_cost"]) == (200, "0")

"""Photos of products as a client meets them."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import httpx
import pytest
from httpx import AsyncClient
from PIL import Image
from uuid_utils.compat import uuid4, uuid7

from libs.common.service import Service
from services.catalog.settings import CatalogSettings
from tests.libs.imaging.drawings import damaged, encode, jpeg_bomb, mug, photo, png_bomb
from tests.services.catalog.requests import MUG, create, file, send, upload

Catalog = Service[CatalogSettings]


async def test_an_uploaded_photo_is_shown(client: AsyncClient, owner_id: UUID, service: Catalog) -> None:
    product = await create(client)
    answer = await send(client, product["id"], file(photo("coffee.png"), "My Coffee (1).PNG"))
    [image] = answer.json()
    key = f"products/{owner_id}/{product['id']}/{UUID(image['id']).hex}_My-Coffee-1.png"
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/v1/products/{product['id']}/references"
    assert answer.headers["etag"].startswith('"2-')
    assert image == {
        "id": image["id"],
        "product_id": product["id"],
        "s3_key": key,
        "storage_path": key,
        "sha256": image["sha256"],
        "content_type": "image/png",
        "mime_type": "image/png",
        "original_filename": "My Coffee (1).PNG",
        "filename": "My Coffee (1).PNG",
        "file_size_bytes": len(photo("coffee.png")),
        "width": 600,
        "height": 400,
        "is_primary": True,
        "display_order": 0,
        "alt_text": None,
        "upload_status": "uploaded",
        "uploaded_by": str(owner_id),
        "uploaded_at": image["uploaded_at"],
        "created_at": image["uploaded_at"],
        "url": service.objects.url(key),
        "variants": {},
    }
    assert await service.objects.get(key) == photo("coffee.png")
    shown = (await client.get(f"/products/{product['id']}")).json()
    assert shown["images"] == [image]
    assert shown["primary_image_url"] == shown["thumbnail_url"] == image["url"]
    assert (await client.get(f"/products/{product['id']}/references")).json() == {
        "items": [image],
        "total": 1,
    }


async def test_several_photos_come_in_one_request_in_order(client: AsyncClient) -> None:
    product = await create(client)
    files = [file(name="a.png"), file(name="b.png", field="files"), file(name="c.png")]
    added = await upload(client, product["id"], *files)
    names = [image["original_filename"] for image in added]
    assert sorted(names) == ["a.png", "b.png", "c.png"]
    assert [image["is_primary"] for image in added] == [True, False, False]
    assert [image["display_order"] for image in added] == [0, 1, 2]


async def test_twenty_uploads_at_once_all_succeed(client: AsyncClient) -> None:
    product = await create(client)
    answers = await asyncio.gather(*(send(client, product["id"]) for _ in range(20)))
    assert [answer.status_code for answer in answers] == [201] * 20
    images = (await client.get(f"/products/{product['id']}/references")).json()["items"]
    assert Counter(image["is_primary"] for image in images) == {True: 1, False: 19}
    assert [image["display_order"] for image in images] == list(range(20))
    assert (await client.get(f"/products/{product['id']}")).json()["version"] == 21


async def test_a_repeated_upload_adds_once(client: AsyncClient) -> None:
    product = await create(client)
    key = uuid4().hex
    answers = [await send(client, product["id"], **{"idempotency-key": key}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert (await client.get(f"/products/{product['id']}/references")).json()["total"] == 1


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"this is a text", 415, "not_an_image"),
        (b"", 415, "not_an_image"),
        (b"%PDF-1.7 and more", 415, "not_an_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "not_an_image"),
        (encode(mug(96)[0], "GIF"), 415, "unsupported_image_type"),
        (encode(mug(96)[0], "TIFF"), 415, None),
        (photo("coffee.png")[:20_000], 422, "image_truncated"),
        (encode(mug(96)[0], "JPEG")[:-200], 422, "image_truncated"),
        (damaged(MUG), 422, "image_damaged"),
        (png_bomb(300, 300), 422, "image_damaged"),
        (damaged(encode(mug(320)[0], "WEBP")), 422, "image_damaged"),
        (encode(Image.new("RGB", (1, 1))), 422, "image_too_small"),
        (png_bomb(60_000, 60_000), 413, "too_many_pixels"),
        (jpeg_bomb(96, 200), 422, "too_many_scans"),
        (MUG + bytes(10 * 2**20), 413, "file_too_large"),
    ],
    ids=[
        "text",
        "nothing",
        "pdf",
        "svg",
        "gif",
        "tiff",
        "cut png",
        "cut jpeg",
        "damaged png",
        "pixels missing",
        "damaged webp",
        "1x1",
        "bomb",
        "scans",
        "over 10 MB",
    ],
)
async def test_what_is_no_proper_photo_is_refused(
    client: AsyncClient, service: Catalog, owner_id: UUID, data: bytes, status: int, code: str | None
) -> None:
    product = await create(client)
    answer = await send(client, product["id"], file(name="good.png"), file(data, "bad.png"), file())
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code or problem["code"])
    assert problem["detail"].startswith("bad.png: ")
    assert [error["loc"] for error in problem["errors"]] == [["body", "files[]", 1]]
    assert (await client.get(f"/products/{product['id']}")).json() == product
    assert await service.objects.keys(f"products/{owner_id}/") == []


async def test_sixty_megabytes_are_refused(client: AsyncClient) -> None:
    product = await create(client)
    answer = await send(client, product["id"], file(MUG + bytes(60 * 2**20)))
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")
    too_much = [file(MUG + bytes(9 * 2**20)) for _ in range(12)]
    assert (await send(client, product["id"], *too_much)).status_code == 413


async def test_every_bad_file_is_named(client: AsyncClient) -> None:
    product = await create(client)
    answer = await send(client, product["id"], file(b"x", "a.png"), file(), file(MUG[:99], "b.png"))
    problem = answer.json()
    assert answer.status_code == 415
    assert [(error["loc"][-1], error["type"]) for error in problem["errors"]] == [
        (0, "not_an_image"),
        (2, "image_truncated"),
    ]


@pytest.mark.parametrize(
    ("data", "content_type", "size"),
    [
        (encode(mug(96)[0], "JPEG"), "image/jpeg", (96, 96)),
        (encode(mug(96)[0], "WEBP"), "image/webp", (96, 96)),
        (encode(Image.new("CMYK", (80, 70)), "JPEG"), "image/jpeg", (80, 70)),
        (encode(Image.new("I;16", (80, 70))), "image/png", (80, 70)),
        (
            encode(
                Image.new("RGB", (80, 70), "red"),
                "WEBP",
                save_all=True,
                append_images=[Image.new("RGB", (80, 70), "blue")],
            ),
            "image/webp",
            (80, 70),
        ),
        (
            encode(
                Image.new("RGB", (80, 70)),
                "JPEG",
                exif=bytes.fromhex("4578696600004d4d002a00000008000101120003000000010006000000000000"),
            ),
            "image/jpeg",
            (70, 80),
        ),
    ],
    ids=["jpeg", "webp", "cmyk", "16-bit", "animated", "rotated"],
)
async def test_photos_of_every_kind_are_taken_for_what_they_are(
    client: AsyncClient, data: bytes, content_type: str, size: tuple[int, int]
) -> None:
    product = await create(client)
    [image] = await upload(client, product["id"], file(data, "photo.exe", "application/x-msdownload"))
    assert (image["content_type"], image["width"], image["height"]) == (content_type, *size)
    assert not image["s3_key"].endswith("exe")


@pytest.mark.parametrize(
    ("name", "shown", "kept"),
    [
        ("../../etc/passwd", "passwd", "passwd.png"),
        ("C:\\photos\\mug.PNG", "mug.PNG", "mug.png"),
        ("über tasse.png", "über tasse.png", "uber-tasse.png"),
        ("茶碗.png", "茶碗.png", "photo.png"),
        ("a b?c#d%41.png", "a b?c#d%41.png", "a-b-c-d-41.png"),
        ("x" * 400 + ".png", "x" * 251 + ".png", "x" * 100 + ".png"),
        (".png", ".png", "png.png"),
    ],
)
async def test_file_names_are_made_safe(client: AsyncClient, name: str, shown: str, kept: str) -> None:
    product = await create(client)
    [image] = await upload(client, product["id"], file(name=name))
    assert image["original_filename"] == shown
    assert image["s3_key"].split("_", 1)[1] == kept


@pytest.mark.parametrize("count", [0, 11])
async def test_a_request_has_one_to_ten_files(client: AsyncClient, count: int) -> None:
    product = await create(client)
    files = [file() for _ in range(count)] or [("other", ("x", b"x", "text/plain"))]
    answer = await send(client, product["id"], *files)
    assert (answer.status_code, answer.json()["code"]) == (422, "number_of_files")


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"{}", "application/json"),
        (b"files[]=x", "application/x-www-form-urlencoded"),
        (b"nonsense", "multipart/form-data; boundary=x"),
        (b"nonsense", "multipart/form-data"),
        (
            b'--x\r\nContent-Disposition: form-data; name="files[]"\r\n\r\ntext\r\n--x--',
            "multipart/form-data; boundary=x",
        ),
    ],
)
async def test_a_body_without_files_is_refused(
    client: AsyncClient, content: bytes, content_type: str
) -> None:
    product = await create(client)
    path = f"/products/{product['id']}/upload-references"
    answer = await client.post(path, content=content, headers={"content-type": content_type})
    assert answer.status_code in (400, 422), answer.text


async def test_another_photo_can_be_made_primary(client: AsyncClient) -> None:
    product = await create(client)
    first, second = await upload(client, product["id"], file(), file())
    path = f"/products/{product['id']}/references"
    answer = await client.patch(
        f"{path}/{second['id']}", json={"is_primary": True, "display_order": 5, "alt_text": "From above"}
    )
    expected = second | {"is_primary": True, "display_order": 5, "alt_text": "From above"}
    assert (answer.status_code, answer.json()) == (200, expected)
    assert (await client.get(path)).json()["items"] == [expected, first | {"is_primary": False}]
    refused = await client.patch(f"{path}/{second['id']}", json={"is_primary": False})
    assert (refused.status_code, refused.json()["code"]) == (409, "primary_required")


@pytest.mark.parametrize(
    "body",
    [{"display_order": -1}, {"display_order": 10**9}, {"alt_text": "x" * 501}, {"width": 7}, []],
    ids=str,
)
async def test_a_change_out_of_range_is_refused(client: AsyncClient, body: Any) -> None:
    product = await create(client)
    [image] = await upload(client, product["id"])
    path = f"/products/{product['id']}/references/{image['id']}"
    assert (await client.patch(path, json=body)).status_code == 422


async def test_the_next_photo_takes_over_from_a_deleted_one(client: AsyncClient, service: Catalog) -> None:
    product = await create(client)
    first, second, third = await upload(client, product["id"], file(), file(), file())
    path = f"/products/{product['id']}/references"
    stale = await client.delete(f"{path}/{first['id']}", headers={"if-match": '"1"'})
    assert stale.status_code == 412
    assert (await client.delete(f"{path}/{first['id']}", headers={"if-match": '"4"'})).status_code == 204
    assert (await client.get(path)).json()["items"] == [second | {"is_primary": True}, third]
    assert (await client.delete(f"{path}/{first['id']}")).status_code == 404
    assert await service.objects.exists(first["s3_key"])  # the product's past can still be seen


async def test_a_strangers_photos_do_not_exist(
    client: AsyncClient, stranger: AsyncClient, service: Catalog, owner_id: UUID
) -> None:
    product = await create(client)
    [image] = await upload(client, product["id"])
    path = f"/products/{product['id']}/references"
    refused = [
        await stranger.get(path),
        await send(stranger, product["id"]),
        await stranger.patch(f"{path}/{image['id']}", json={"is_primary": True}),
        await stranger.delete(f"{path}/{image['id']}"),
        await client.delete(f"{path}/{uuid7()}"),
        await client.patch(f"{path}/{uuid7()}", json={"alt_text": "x"}),
        await send(client, str(uuid7())),
    ]
    assert [answer.status_code for answer in refused] == [404] * 7
    assert len(await service.objects.keys("products/")) >= 1
    assert len(await service.objects.keys(f"products/{owner_id}/")) == 1


async def test_the_url_leads_to_the_photo(client: AsyncClient, service: Catalog) -> None:
    product = await create(client)
    [image] = await upload(client, product["id"])
    signed = httpx.URL(image["url"])
    assert signed.host == httpx.URL(service.settings.public_url).host
    direct = f"{service.settings.s3_endpoint}{signed.raw_path.decode()}"
    async with AsyncClient(timeout=60) as browser:
        answer = await browser.get(direct, headers={"host": signed.netloc.decode()})
        assert (answer.status_code, answer.content) == (200, MUG)
        assert answer.headers["content-type"] == "image/png"
        assert (
            await browser.get(direct.split("?")[0], headers={"host": signed.netloc.decode()})
        ).status_code == 403

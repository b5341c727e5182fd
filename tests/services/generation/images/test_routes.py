"""One picture: its opinion, its bin, its versions."""

from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient
from uuid_utils.compat import uuid4

from libs.common.service import Service
from libs.imaging import metadata
from libs.imaging.metadata import DigitalSource, Mark
from tests.libs.imaging.drawings import encode, mug
from tests.services.generation.pictures import record
from tests.statements import statements


@pytest.fixture
async def path(service: Service[Any], owner_id: UUID) -> str:
    return f"/generated-images/{await record(service, owner_id, uuid4())}"


async def test_it_is_read_with_how_it_came_about_and_where_it_is(client: AsyncClient, path: str) -> None:
    answer = await client.get(path)
    image = answer.json()
    assert image["id"] == image["image_id"] == path.rpartition("/")[2]
    assert image["call"] == {"cost": 0.0}
    assert "attachment" in image["download_url"]
    assert answer.headers["etag"].startswith('"1-')


async def test_it_is_annotated_field_by_field(client: AsyncClient, path: str) -> None:
    await client.patch(path, json={"favourite": True, "rating": 4})
    answer = await client.patch(path, json={"label": "hero"})
    image = answer.json()
    assert (image["favourite"], image["rating"], image["label"]) == (True, 4, "hero")
    assert (image["version"], answer.headers["etag"][:3]) == (3, '"3-')
    assert (await client.get(path)).json() == image
    assert (await client.patch(path, json={"rating": None})).json()["rating"] is None


@pytest.mark.parametrize(
    "body",
    [
        {"rating": 6},
        {"rating": -1},
        {"rating": True},
        {"favourite": None},
        {"label": ""},
        {"label": "x" * 101},
        {"stars": 5},
        [],
    ],
)
async def test_a_bad_annotation_is_refused(client: AsyncClient, path: str, body: Any) -> None:
    assert (await client.patch(path, json=body)).status_code == 422


async def test_of_two_who_have_seen_the_same_version_one_is_told(client: AsyncClient, path: str) -> None:
    etag = (await client.get(path)).headers["etag"]
    assert (await client.patch(path, json={"rating": 1}, headers={"if-match": etag})).status_code == 200
    answer = await client.patch(path, json={"rating": 2}, headers={"if-match": etag})
    assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
    assert (await client.delete(path, headers={"if-match": etag})).status_code == 412
    assert (await client.get(path)).json()["rating"] == 1


async def test_whoever_has_it_gets_nothing_again(client: AsyncClient, path: str) -> None:
    etag = (await client.get(path)).headers["etag"]
    assert (await client.get(path, headers={"if-none-match": etag})).status_code == 304


async def test_it_is_deleted_and_restored(client: AsyncClient, path: str) -> None:
    await client.patch(path, json={"rating": 5})
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404
    assert (await client.patch(path, json={"rating": 1})).status_code == 404
    restored = await client.post(f"{path}/restore")
    assert (restored.status_code, restored.json()["rating"], restored.json()["restorable_until"]) == (
        200,
        5,
        None,
    )


@pytest.mark.parametrize(("kind", "extension"), [("png", "png"), ("jpeg", "jpg"), ("webp", "webp")])
async def test_an_export_is_marked_and_tells_no_prompt(
    client: AsyncClient, service: Service[Any], owner_id: UUID, kind: str, extension: str
) -> None:
    """Under a name that its format ends in, whatever its key was called before anybody knew it."""
    mark = Mark(DigitalSource.GENERATED, {"prompt": "a secret plan", "seed": 41})
    key = f"products/{owner_id}/{uuid4()}/generated/2026/02/picture.png"
    mime = f"image/{kind}"
    drawn = encode(mug(80)[0], kind, exif=b"Exif\0\0a secret plan")
    await service.objects.put(key, metadata.embed(drawn, mark), mime)
    image_id = await record(service, owner_id, uuid4(), key=key, content_type=mime)
    assert (await client.get(f"/generated-images/{image_id}")).json()["filename"] == f"picture.{extension}"
    answer = await client.get(f"/generated-images/{image_id}/export")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == mime
    assert answer.headers["content-disposition"] == f'attachment; filename="picture.{extension}"'
    assert metadata.read(answer.content) == Mark(DigitalSource.GENERATED, {"seed": 41})
    assert b"secret" not in answer.content


async def test_strangers_find_nothing(client: AsyncClient, stranger: AsyncClient, path: str) -> None:
    answers = [
        await stranger.get(path),
        await stranger.patch(path, json={"rating": 1}),
        await stranger.delete(path),
        await stranger.post(f"{path}/restore"),
        await stranger.get(f"{path}/provenance"),
        await stranger.get(f"{path}/export"),
    ]
    assert [(a.status_code, a.json()["code"]) for a in answers] == [(404, "image_not_found")] * 6
    assert (await client.get(path)).status_code == 200


async def test_an_unknown_picture_is_not_found(client: AsyncClient) -> None:
    assert (await client.get(f"/generated-images/{uuid4()}")).status_code == 404
    assert (await client.get("/generated-images/seven")).status_code == 422


async def test_without_a_login_nothing_is_shown(client: AsyncClient, path: str) -> None:
    assert (await client.get(path, headers={"authorization": ""})).status_code == 401


async def test_statements(client: AsyncClient, service: Service[Any], path: str) -> None:
    async with statements(service.db.pool) as seen:
        await client.get(path)
    assert len(seen) == 1, seen
    async with statements(service.db.pool) as seen:
        await client.patch(path, json={"rating": 2})
    assert len(seen) == 6, seen  # BEGIN, load, append, the row with its history, the answer, COMMIT

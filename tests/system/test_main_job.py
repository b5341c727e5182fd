import asyncio

from deploy.local.stack import Stack
from tests.system.client import Client, photo
from tests.system.proof import assert_sound


async def test_photo_in_specification_and_pictures_out(client: Client, system: Stack) -> None:
    job = await client.main_job(seed=1, pictures=2)
    await job.assert_exactly_one_result(client)
    await assert_sound(system)


async def test_twenty_uploads_at_once_all_succeed(client: Client) -> None:
    product = (await client.post("/products", json={"title": "Bottle"}))["id"]

    async def upload(seed: int) -> int:
        files = [("files", (f"{seed}.png", photo(seed, 160), "image/png"))]
        return (
            await client.request("POST", f"/products/{product}/upload-references", files=files)
        ).status_code

    assert await asyncio.gather(*(upload(seed) for seed in range(20))) == [201] * 20
    references = (await client.get(f"/products/{product}/references"))["items"]
    assert sum(reference["is_primary"] for reference in references) == 1
    assert len({reference["display_order"] for reference in references}) == 20


async def test_of_two_writers_with_the_same_version_one_wins(client: Client) -> None:
    created = await client.request("POST", "/products", json={"title": "Bottle"})
    path, etag = f"/products/{created.json()['id']}", created.headers["etag"]
    answers = await asyncio.gather(
        *(
            client.request("PATCH", path, json={"title": f"Bottle {n}"}, headers={"If-Match": etag})
            for n in range(2)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]


async def test_the_same_key_twice_is_one_effect_and_the_same_answer(client: Client) -> None:
    key = {"Idempotency-Key": "4711"}
    answers = await asyncio.gather(
        *(client.request("POST", "/products", json={"title": "Once"}, headers=key) for _ in range(4))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert (await client.get("/products", search="Once"))["total"] == 1

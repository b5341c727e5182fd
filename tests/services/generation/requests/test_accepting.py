"""What is accepted, what is pinned with it, and what is refused."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient, Response
from uuid_utils.compat import uuid4

from libs.common.contracts.catalog import ProductCreated, ProductDeleted
from libs.common.contracts.generation import GenerationRequested, PinnedSpecification
from libs.common.service import Service
from libs.providers.base import ASPECT_RATIOS
from services.generation.requests.domain import generations
from tests.services.generation.neighbours import YAML, Neighbours
from tests.services.generation.pictures import hear
from tests.statements import statements

SCENE = {"prompt": "on an oak table, morning light"}


async def ask(client: AsyncClient, product_id: UUID, **body: Any) -> Response:
    return await client.post(f"/products/{product_id}/generate", json=SCENE | body)


async def pins(service: Service[Any], answer: Response) -> GenerationRequested:
    assert answer.status_code == 202, answer.text
    async with service.transaction() as tx:
        request = (await tx.state(generations, UUID(answer.json()["request_id"]))).state.request
    assert request
    return request


async def test_an_accepted_request_is_answered_at_once_with_where_to_look(
    client: AsyncClient, owner_id: UUID, neighbours: Neighbours
) -> None:
    answer = await ask(client, await neighbours.product(owner_id), count=3)
    body = answer.json()
    request, job = f"/api/v1/generation-requests/{body['request_id']}", f"/api/v1/jobs/{body['request_id']}"
    assert answer.status_code == 202
    assert answer.headers["location"] == request
    assert body == {
        "request_id": body["request_id"],
        "job_id": body["request_id"],
        "status": "pending",
        "links": {"request": request, "job": job, "stream": f"{job}/stream", "cancel": request},
    }
    seen = (await client.get(f"/generation-requests/{body['request_id']}")).json()
    assert (seen["status"], seen["progress"], seen["images"], seen["count"]) == ("pending", 0, [], 3)
    assert (seen["aspect_ratio"], seen["resolution"], seen["model"]) == ("1:1", "2K", "classical/1")


async def test_everything_is_pinned(
    client: AsyncClient, owner_id: UUID, neighbours: Neighbours, service: Service[Any]
) -> None:
    product_id = await neighbours.product(owner_id, photos=2)
    answer = await ask(client, product_id, count=3, seed=41, aspect_ratio="16:9", resolution="1K")
    pinned = await pins(service, answer)
    known, specification = neighbours.products[str(product_id)], neighbours.specifications[str(product_id)][0]
    assert pinned.specification == PinnedSpecification.model_validate(specification)
    assert [photo.sha256 for photo in pinned.references] == [photo["sha256"] for photo in known["references"]]
    assert (pinned.provider, pinned.model) == ("local", "classical/1")
    assert [picture.seed for picture in pinned.images] == [41, 42, 43]
    assert pinned.final_prompt.startswith("A product photograph of Stoneware mug.")
    assert pinned.final_prompt.endswith("Scene: on an oak table, morning light")
    folder = f"products/{owner_id}/{product_id}/generated"
    dated = rf"{folder}/(\d{{4}})/(\d\d)/\1\2\d\d_\d{{6}}_[0-9a-f]{{12}}\.png"
    assert all(re.fullmatch(dated, picture.key) for picture in pinned.images)
    assert len({picture.key for picture in pinned.images}) == 3


async def test_without_a_seed_every_request_gets_another(
    client: AsyncClient, owner_id: UUID, neighbours: Neighbours, service: Service[Any]
) -> None:
    product_id = await neighbours.product(owner_id)
    first, second = [await pins(service, await ask(client, product_id)) for _ in range(2)]
    assert first.images[0].seed != second.images[0].seed


async def test_the_last_seed_is_followed_by_the_first(
    client: AsyncClient, owner_id: UUID, neighbours: Neighbours, service: Service[Any]
) -> None:
    answer = await ask(client, await neighbours.product(owner_id), seed=2**31 - 1, count=2)
    assert [picture.seed for picture in (await pins(service, answer)).images] == [2**31 - 1, 0]


async def test_an_override_replaces_what_the_specification_says(
    client: AsyncClient, owner_id: UUID, neighbours: Neighbours, service: Service[Any]
) -> None:
    answer = await ask(client, await neighbours.product(owner_id), custom_prompt_override="A red mug.")
    assert (await pins(service, answer)).final_prompt == "A red mug.\n\nScene: on an oak table, morning light"


@pytest.mark.parametrize("count", range(1, 9))
async def test_one_to_eight_pictures(
    client: AsyncClient, owner_id: UUID, neighbours: Neighbours, service: Service[Any], count: int
) -> None:
    name = "count" if count % 2 else "image_count"
    pinned = await pins(service, await ask(client, await neighbours.product(owner_id), **{name: count}))
    assert [picture.index for picture in pinned.images] == list(range(1, count + 1))


@pytest.mark.parametrize("ratio", ASPECT_RATIOS)
async def test_ten_aspect_ratios(
    client: AsyncClient, owner_id: UUID, neighbours: Neighbours, ratio: str
) -> None:
    answer = await ask(client, await neighbours.product(owner_id), aspect_ratio=ratio, dry_run=True)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("count", 0),
        ("count", 9),
        ("image_count", 9),
        ("count", "many"),
        ("count", True),
        ("seed", True),
        ("aspect_ratio", "5:7"),
        ("resolution", "8K"),
        ("seed", -1),
        ("seed", 2**31),
        ("prompt", "  "),
        ("prompt", "x" * 4001),
        ("version", 0),
        ("version", 2**31),
        ("specification_id", "seven"),
        ("custom_prompt_override", ""),
        ("provider", ""),
        ("colour", "blue"),
    ],
)
async def test_a_bad_field_is_named(client: AsyncClient, field: str, value: Any) -> None:
    answer = await ask(client, uuid4(), **{field: value})
    assert answer.status_code == 422
    assert answer.json()["code"] == "validation_error"
    assert field in answer.json()["errors"][0]["loc"]


async def test_one_specification_is_named_once(client: AsyncClient) -> None:
    answer = await ask(client, uuid4(), version=1, specification_id=str(uuid4()))
    assert answer.status_code == 422
    assert "not both" in answer.json()["detail"]


@pytest.mark.parametrize("named", ["specification_id", "version", "specification_version"])
async def test_an_older_specification_can_be_named(
    client: AsyncClient, owner_id: UUID, neighbours: Neighbours, service: Service[Any], named: str
) -> None:
    product_id = await neighbours.product(owner_id)
    neighbours.specify(product_id, YAML.replace("Stoneware", "Blue"))
    first = neighbours.specifications[str(product_id)][0]
    value = first["specification_id"] if named == "specification_id" else 1
    pinned = await pins(service, await ask(client, product_id, **{named: value}))
    assert pinned.specification == PinnedSpecification.model_validate(first)
    assert "Stoneware" in pinned.final_prompt


async def test_an_unknown_specification_is_not_found(
    client: AsyncClient, owner_id: UUID, neighbours: Neighbours
) -> None:
    answer = await ask(client, await neighbours.product(owner_id), version=7)
    assert (answer.status_code, answer.json()["code"]) == (404, "specification_not_found")


async def test_without_an_active_specification_it_must_be_allowed(
    client: AsyncClient, owner_id: UUID, neighbours: Neighbours, service: Service[Any]
) -> None:
    product_id = await neighbours.product(owner_id, specified=False)
    refused = await ask(client, product_id)
    assert (refused.status_code, refused.json()["code"]) == (409, "no_active_specification")
    pinned = await pins(service, await ask(client, product_id, allow_without_spec=True))
    assert pinned.specification is None
    assert pinned.final_prompt.startswith("A product photograph. ")


async def test_without_a_photo_nothing_can_be_shown(
    client: AsyncClient, owner_id: UUID, neighbours: Neighbours
) -> None:
    answer = await ask(client, await neighbours.product(owner_id, photos=0))
    assert (answer.status_code, answer.json()["code"]) == (409, "no_reference_images")


async def test_a_strangers_product_is_not_found(
    stranger: AsyncClient, owner_id: UUID, neighbours: Neighbours
) -> None:
    answer = await ask(stranger, await neighbours.product(owner_id, specified=False))
    assert (answer.status_code, answer.json()["code"]) == (404, "product_not_found")


async def test_without_a_login_nothing_is_accepted(client: AsyncClient) -> None:
    answer = await client.post(f"/products/{uuid4()}/generate", json=SCENE, headers={"authorization": ""})
    assert answer.status_code == 401


async def test_when_a_neighbour_is_silent_it_says_so(client: AsyncClient) -> None:
    answer = await ask(client, uuid4())
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"] == "1"


async def test_a_dry_run_tells_the_cost_and_changes_nothing(
    client: AsyncClient, owner_id: UUID, neighbours: Neighbours
) -> None:
    product_id = await neighbours.product(owner_id)
    answer = await ask(client, product_id, count=4, dry_run=True)
    estimate = answer.json()
    assert answer.status_code == 200
    assert (estimate["count"], estimate["estimated_cost"], estimate["currency"]) == (4, "0", "USD")
    assert (estimate["provider"], estimate["specification_version"]) == ("local", 1)
    assert (await client.get(f"/products/{product_id}/generations")).json()["total"] == 0


async def test_a_provider_that_is_not_here_is_replaced_and_it_is_said(
    client: AsyncClient, owner_id: UUID, neighbours: Neighbours
) -> None:
    product_id = await neighbours.product(owner_id)
    answer = await ask(client, product_id, model="gemini-3-pro-image-preview")
    seen = (await client.get(f"/generation-requests/{answer.json()['request_id']}")).json()
    assert (seen["provider"], seen["provider_fallback_from"]) == ("local", "gemini")
    refused = await ask(client, product_id, model="gemini-3-pro-image-preview", fallback=False)
    assert (refused.status_code, refused.json()["code"]) == (502, "provider_not_configured")


@pytest.mark.parametrize(("field", "code"), [("provider", "unknown_provider"), ("model", "unknown_model")])
async def test_an_unknown_provider_or_model_is_refused(
    client: AsyncClient, owner_id: UUID, neighbours: Neighbours, field: str, code: str
) -> None:
    answer = await ask(client, await neighbours.product(owner_id), **{field: "crystal-ball"})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_the_fifty_first_job_has_to_wait(
    client: AsyncClient, stranger: AsyncClient, owner_id: UUID, neighbours: Neighbours
) -> None:
    product_id = await neighbours.product(owner_id)
    answers = [await ask(client, product_id) for _ in range(51)]
    assert [answer.status_code for answer in answers] == [202] * 50 + [429]
    assert answers[-1].json()["code"] == "queue_full"
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert (await client.get(f"/products/{product_id}/generations")).json()["total"] == 50


async def test_with_its_product_a_request_is_hidden(
    client: AsyncClient, owner_id: UUID, neighbours: Neighbours, service: Service[Any]
) -> None:
    product_id = await neighbours.product(owner_id)
    path = (await ask(client, product_id)).headers["location"].removeprefix("/api/v1")
    created = ProductCreated(owner_id=owner_id, title="Mug", slug="mug")
    await hear(service, product_id, created)
    assert (await client.get(path)).status_code == 200
    await hear(
        service, product_id, created, ProductDeleted(owner_id=owner_id, restorable_until=datetime.now(UTC))
    )
    assert (await client.get(path)).status_code == 404


async def test_a_repeated_request_has_one_effect(
    client: AsyncClient, owner_id: UUID, neighbours: Neighbours
) -> None:
    product_id, headers = await neighbours.product(owner_id), {"idempotency-key": "once"}
    path = f"/products/{product_id}/generate"
    first, second = [await client.post(path, json=SCENE, headers=headers) for _ in range(2)]
    assert second.json() == first.json()
    assert second.headers["idempotent-replayed"] == "true"
    assert (await client.get(f"/products/{product_id}/generations")).json()["total"] == 1


async def test_accepting_takes_seven_statements(
    client: AsyncClient, owner_id: UUID, neighbours: Neighbours, service: Service[Any]
) -> None:
    product_id = await neighbours.product(owner_id)
    async with statements(service.db.pool) as seen:
        await ask(client, product_id)
    assert len(seen) == 7, seen  # BEGIN, admission (3), append, the row, COMMIT

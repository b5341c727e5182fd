"""What other services are told about a product."""

from collections.abc import AsyncIterator, Callable
from uuid import UUID

import pytest
from httpx import AsyncClient
from uuid_utils.compat import uuid4, uuid7

from libs.common.bus import Bus
from libs.common.errors import NotFound
from tests.services.catalog.requests import create, file, upload


@pytest.fixture
async def bus(service_env: Callable[[str], dict[str, str]]) -> AsyncIterator[Bus]:
    """Another service's connection."""
    bus = await Bus.connect(service_env("generation")["NATS_URL"], "generation")
    yield bus
    await bus.close()


async def test_the_owner_is_told_what_to_pin(client: AsyncClient, owner_id: UUID, bus: Bus) -> None:
    product = await create(client, category="Kitchen")
    await upload(client, product["id"], file(name="a.png"), file(name="b.png"))
    path = f"/products/{product['id']}/references"
    first, second = (await client.get(path)).json()["items"]
    await client.patch(f"{path}/{second['id']}", json={"is_primary": True})
    answer = await bus.ask("catalog", "product", {"product_id": product["id"], "owner_id": str(owner_id)})
    pinned = (
        "sha256",
        "content_type",
        "original_filename",
        "file_size_bytes",
        "width",
        "height",
        "uploaded_at",
    )
    assert answer == {
        "product_id": product["id"],
        "owner_id": str(owner_id),
        "title": "Mug",
        "slug": product["slug"],
        "status": "draft",
        "category": "Kitchen",
        "version": 5,
        "references": [
            {
                "reference_id": image["id"],
                "key": image["s3_key"],
                "is_primary": image is second,
                "display_order": image["display_order"],
                **{name: image[name] for name in pinned},
            }
            for image in (second, first)
        ],
    }


async def test_a_stranger_is_told_nothing(client: AsyncClient, owner_id: UUID, bus: Bus) -> None:
    product = await create(client)
    deleted = await create(client)
    await client.delete(f"/products/{deleted['id']}")
    for asked in ((product["id"], uuid4()), (uuid7(), owner_id), (deleted["id"], owner_id)):
        with pytest.raises(NotFound) as refusal:
            await bus.ask("catalog", "product", {"product_id": str(asked[0]), "owner_id": str(asked[1])})
        assert refusal.value.code == "product_not_found"

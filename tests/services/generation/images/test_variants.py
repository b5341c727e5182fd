"""The smaller copies: after the picture is visible, through the relay, the stream and the reaction."""

from typing import Any
from uuid import UUID

from httpx import AsyncClient
from uuid_utils.compat import uuid4

from libs.common.reactions import Reactor
from libs.common.relay import Relay
from libs.common.service import Service
from libs.imaging.decode import inspect
from services.generation.images.reactions import make_variants
from tests.libs.common.waiting import background, eventually
from tests.services.generation.neighbours import MUG
from tests.services.generation.pictures import record


async def test_variants_appear_after_the_picture(
    client: AsyncClient, service: Service[Any], owner_id: UUID
) -> None:
    key = f"products/{owner_id}/generated/{uuid4()}.png"
    await service.objects.put(key, MUG, "image/png")
    path = f"/generated-images/{await record(service, owner_id, uuid4(), key=key)}"
    assert (await client.get(path)).json()["variants"] == {}

    async def made() -> dict[str, Any] | None:
        image: dict[str, Any] = (await client.get(path)).json()
        return image if len(image["variants"]) == 3 else None

    async with background(Relay(service).run()), background(Reactor(service, make_variants).run()):
        image = await eventually(made)
    assert list(image["variants"]) == ["256", "1024", "2048"]
    assert image["thumbnail_url"] == image["variants"]["256"] == service.objects.url(f"{key}.256.webp")
    assert inspect(await service.objects.get(f"{key}.256.webp")).mime == "image/webp"

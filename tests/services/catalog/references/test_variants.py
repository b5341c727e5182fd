"""The smaller copies: from the upload through the relay, the stream and the reaction to the answer."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from httpx import AsyncClient

from libs.common import variants
from libs.common.reactions import Reactor
from libs.common.relay import Relay
from libs.common.service import Service
from libs.imaging.decode import inspect
from services.catalog.references.reactions import make_variants
from services.catalog.settings import CatalogSettings
from tests.libs.common.waiting import background, eventually
from tests.libs.imaging.drawings import photo
from tests.services.catalog.requests import create, file, upload

Catalog = Service[CatalogSettings]


@pytest.fixture
async def worker(service: Catalog) -> AsyncIterator[None]:
    """The parts of the worker that variants need."""
    async with AsyncExitStack() as running:
        await running.enter_async_context(background(Relay(service).run()))
        await running.enter_async_context(background(Reactor(service, make_variants).run()))
        yield


@pytest.mark.usefixtures("worker")
async def test_variants_appear_after_the_upload(client: AsyncClient, service: Catalog) -> None:
    product = await create(client)
    await upload(client, product["id"], file(photo("coffee.png")))

    async def made() -> dict[str, Any] | None:
        shown: dict[str, Any] = (await client.get(f"/products/{product['id']}")).json()
        return shown if shown["images"][0]["variants"] else None

    shown = await eventually(made)
    [image] = shown["images"]
    assert list(image["variants"]) == ["256", "1024", "2048"]
    assert shown["thumbnail_url"] == image["variants"]["256"]
    assert shown["primary_image_url"] == image["url"]
    key = f"{image['s3_key']}.256.webp"
    assert image["variants"]["256"] == service.objects.url(key)
    small = inspect(await service.objects.get(key))
    assert (small.mime, small.width, small.height) == ("image/webp", 256, 171)


async def test_making_them_again_changes_nothing(client: AsyncClient, service: Catalog) -> None:
    product = await create(client)
    [image] = await upload(client, product["id"])
    for _ in range(2):
        await variants.make(service.db, service.objects, image["s3_key"])
    [shown] = (await client.get(f"/products/{product['id']}/references")).json()["items"]
    assert len(shown["variants"]) == 3


async def test_a_picture_that_is_gone_or_damaged_gets_none(service: Catalog, owner_id: object) -> None:
    damaged = f"products/{owner_id}/damaged.png"
    await service.objects.put(damaged, b"no picture", "image/png")
    for key in (damaged, f"products/{owner_id}/gone.png"):
        await variants.make(service.db, service.objects, key)
    assert await service.objects.keys(f"products/{owner_id}/") == [damaged]

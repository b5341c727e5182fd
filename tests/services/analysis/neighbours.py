"""The services that analysis asks and hears: the real ones, without their HTTP."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from libs.common.contracts.generation import PinnedImage
from libs.common.jobs.answers import answer_job_questions
from libs.common.jobs.lifecycle import JobCommand
from libs.common.relay import Relay
from libs.common.service import Service
from services.catalog.products.domain import CreateProduct, DeleteProduct, NewProduct, products
from services.catalog.products.questions import answering
from services.catalog.references.domain import AddReferences, Photo
from services.catalog.store import definition as catalog_definition
from services.generation.requests.domain import RequestGeneration, generations
from services.generation.store import definition as generation_definition
from tests.libs.common.waiting import background
from tests.libs.imaging.drawings import encode, mug

MUG = encode(mug(96)[0])


class Catalog:
    """Products with photos in the object store."""

    def __init__(self, service: Service[Any]) -> None:
        self.service = service

    async def product(self, owner_id: UUID, *photos: bytes) -> UUID:
        """A product called Mug; the first photo is the primary one."""
        product_id = uuid7()
        details = NewProduct(title="Mug")
        async with self.service.transaction() as tx:
            command = CreateProduct(owner_id=owner_id, slug=f"mug-{product_id}", details=details)
            await tx.handle(products, product_id, command)
        if photos:
            added = tuple([await self._photo(f"products/{owner_id}/{product_id}", data) for data in photos])
            async with self.service.transaction() as tx:
                add = AddReferences(owner_id=owner_id, product_id=product_id, photos=added)
                await tx.handle(products, product_id, add)
        return product_id

    async def photo_ids(self, product_id: UUID) -> list[UUID]:
        async with self.service.transaction() as tx:
            state = (await tx.state(products, product_id)).state
        return [reference.photo.reference_id for reference in state.references]

    async def delete(self, owner_id: UUID, product_id: UUID) -> None:
        until = datetime.now(UTC) + timedelta(days=30)
        async with self.service.transaction() as tx:
            await tx.handle(products, product_id, DeleteProduct(owner_id=owner_id, restorable_until=until))

    async def _photo(self, folder: str, data: bytes) -> Photo:
        reference_id = uuid7()
        key = f"{folder}/{reference_id.hex}_mug.png"
        await self.service.objects.put(key, data, "image/png")
        return Photo(
            reference_id=reference_id,
            key=key,
            sha256=hashlib.sha256(data).hexdigest(),
            content_type="image/png",
            original_filename="mug.png",
            file_size_bytes=len(data),
            width=96,
            height=96,
        )


class Generation:
    """Jobs of another service."""

    def __init__(self, service: Service[Any]) -> None:
        self.service = service

    async def request(self, owner_id: UUID, product_id: UUID, count: int = 1) -> UUID:
        request_id = uuid7()
        images = [PinnedImage(image_id=uuid7(), index=i, seed=i, key=f"{i}.png") for i in range(1, count + 1)]
        command = RequestGeneration(
            title="Mug",
            owner_id=owner_id,
            product_id=product_id,
            kind="product_image",
            prompt="on snow",
            final_prompt="on snow",
            prompt_template="product-scene/1",
            aspect_ratio="1:1",
            resolution="1K",
            images=images,
        )
        async with self.service.transaction() as tx:
            await tx.handle(generations, request_id, command)
        return request_id

    async def tell(self, request_id: UUID, command: JobCommand) -> None:
        async with self.service.transaction() as tx:
            await tx.handle(generations, request_id, command)


@asynccontextmanager
async def open_catalog(settings: dict[str, Any]) -> AsyncIterator[Catalog]:
    async with AsyncExitStack() as opened:
        service = await opened.enter_async_context(Service.open(catalog_definition, **settings))
        await opened.enter_async_context(answering(service))
        await opened.enter_async_context(background(Relay(service).run()))
        yield Catalog(service)


@asynccontextmanager
async def open_generation(settings: dict[str, Any]) -> AsyncIterator[Generation]:
    async with AsyncExitStack() as opened:
        service = await opened.enter_async_context(Service.open(generation_definition, **settings))
        await answer_job_questions(service, [generations], lambda generation: generation.job)
        await opened.enter_async_context(background(Relay(service).run()))
        yield Generation(service)

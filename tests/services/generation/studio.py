"""Stands in for the local provider: small pictures at once, each question noted, failures as it is told."""

import asyncio
import hashlib
import io
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from PIL import Image

from libs.imaging import metadata
from libs.imaging.metadata import DigitalSource, Mark
from libs.providers.base import (
    Analysis,
    Brief,
    Capability,
    ImageOut,
    ImageRequest,
    ImageResult,
)
from libs.providers.card import Card, Model
from libs.providers.chain import Providers
from libs.providers.directory import Directory
from libs.providers.errors import ErrorCode, ProviderError
from libs.providers.prices import Price, Prices
from libs.providers.record import CallInfo

SIDE = 64


@dataclass
class Studio:
    """`failures` are raised before the pictures with these indices (from 0), one after the other."""

    name: str = "local"
    capabilities: frozenset[Capability] = frozenset(
        {
            Capability.GENERATE,
            Capability.EDIT,
            Capability.TRY_ON,
            Capability.REMOVE_BACKGROUND,
            Capability.PROMPTS,
        }
    )
    asked: list[ImageRequest] = field(default_factory=list)
    failures: dict[int, list[ErrorCode]] = field(default_factory=dict)
    retry_after: float | None = None
    refusal: str | None = None
    briefs: list[Brief] = field(default_factory=list)
    unwilling: list[ErrorCode] = field(default_factory=list)
    """What is raised instead of prompts, one after the other."""
    vector: str | None = None
    held: set[int] = field(default_factory=set)
    """Pictures that are not made before `released`."""
    released: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def calls(self) -> Counter[int]:
        """How often each picture was asked for."""
        return Counter(request.index for request in self.asked)

    def providers(self) -> Providers:
        card = Card(self.name, (Model("studio/1", self.capabilities),), lambda: self)
        prices = Prices(date(2026, 11, 21), {"studio/1": Price(estimate=Decimal("0.04"))})
        chains = dict.fromkeys(self.capabilities, (self.name,))
        return Providers(Directory(chains, {self.name: card}, prices))

    async def prompts(self, brief: Brief, count: int, model: str) -> Analysis[tuple[str, ...]]:
        self.briefs.append(brief)
        if self.unwilling:
            raise ProviderError(self.unwilling.pop(0), "not today", self.name, retry_after=0.01)
        call = CallInfo(self.name, "studio/1", 5.0, request_id="p-1")
        return Analysis(tuple(f"idea {number}" for number in range(1, count + 1)), call)

    async def generate(self, request: ImageRequest, model: str = "studio/1") -> ImageResult:
        self.asked.append(request)
        if request.index in self.held:
            await self.released.wait()
        if waiting := self.failures.get(request.index):
            code = waiting.pop(0)
            told = None if code == ErrorCode.UNAVAILABLE else self.retry_after
            raise ProviderError(code, "not today", self.name, retry_after=told)
        if self.refusal:
            raise ProviderError(ErrorCode.REFUSED, self.refusal, self.name)
        data = _picture(request)
        digest, source = hashlib.sha256(data).hexdigest(), DigitalSource.GENERATED
        image = ImageOut(data, "image/png", SIDE, SIDE, digest, source, request.seed)
        call = CallInfo(self.name, "studio/1", 12.5, request_id="r-1")
        return ImageResult(image, call, {"view": "front"}, "voilà", self.vector)

    async def edit(self, request: ImageRequest, model: str) -> ImageResult:
        return await self.generate(request, model)

    async def try_on(self, request: ImageRequest, model: str) -> ImageResult:
        return await self.generate(request, model)

    async def remove_background(self, request: ImageRequest, model: str) -> ImageResult:
        return await self.generate(request, model)

    async def aclose(self) -> None:
        pass


def _picture(request: ImageRequest) -> bytes:
    encoded = io.BytesIO()
    colour = (request.seed % 256, request.index * 30, 90)
    Image.new("RGB", (SIDE, SIDE), colour).save(encoded, "PNG")
    record = {"provider": "local", "model": "studio/1", **request.provenance}
    return metadata.embed(encoded.getvalue(), Mark(DigitalSource.GENERATED, record))

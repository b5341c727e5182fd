"""Catalog and analysis as far as generation asks them: they answer over real NATS what a test told them."""

import hashlib
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from libs.common.bus import Bus
from libs.common.errors import Conflict, NotFound
from libs.common.objects import ObjectStore
from tests.libs.imaging.drawings import encode, mug

MUG = encode(mug(128)[0])
YAML = "schema: product-spec/1\ntitle: Stoneware mug\nmaterial: {primary: glazed ceramic}\n"


@dataclass
class Neighbours:
    objects: ObjectStore
    products: dict[str, dict[str, Any]] = field(default_factory=dict)
    specifications: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    async def answer(self, catalog: Bus, analysis: Bus) -> None:
        await catalog.answer("catalog", "product", self._product)
        await analysis.answer("analysis", "specification", self._specification)

    async def product(self, owner_id: UUID, *, photos: int = 1, specified: bool = True) -> UUID:
        """A mug of that owner, photographed and specified unless said otherwise."""
        product_id = uuid7()
        self.products[str(product_id)] = {
            "product_id": str(product_id),
            "owner_id": str(owner_id),
            "title": "Mug",
            "references": [await self._photo(owner_id, product_id, n == 0) for n in range(photos)],
        }
        if specified:
            self.specify(product_id, YAML)
        return product_id

    def specify(self, product_id: UUID, yaml_content: str) -> dict[str, Any]:
        """A new version, which becomes the active one."""
        versions = self.specifications.setdefault(str(product_id), [])
        for earlier in versions:
            earlier["is_active"] = False
        versions.append(
            {
                "specification_id": str(uuid7()),
                "version": len(versions) + 1,
                "sha256": hashlib.sha256(yaml_content.encode()).hexdigest(),
                "yaml_content": yaml_content,
                "key": "specs/v.yaml",
                "is_active": True,
            }
        )
        return versions[-1]

    async def _photo(self, owner_id: UUID, product_id: UUID, primary: bool) -> dict[str, Any]:
        reference_id = uuid7()
        key = f"products/{owner_id}/{product_id}/{reference_id.hex}_mug.png"
        sha256 = await self.objects.put(key, MUG, "image/png")
        return {
            "reference_id": str(reference_id),
            "key": key,
            "sha256": sha256,
            "content_type": "image/png",
            "is_primary": primary,
            "original_filename": "mug.png",
        }

    async def _product(self, question: dict[str, Any]) -> dict[str, Any]:
        product = self.products.get(question["product_id"])
        if product is None or product["owner_id"] != question["owner_id"]:
            raise NotFound("no such product", code="product_not_found")
        return product

    async def _specification(self, question: dict[str, Any]) -> dict[str, Any]:
        versions = self.specifications.get(question["product_id"], [])
        wanted = {name: question[name] for name in ("specification_id", "version") if question.get(name)}
        if not wanted and not versions:
            raise Conflict("analyse the product first", code="no_active_specification")
        for one in versions:
            if one["is_active"] if not wanted else wanted.items() <= one.items():
                return one
        raise NotFound("no such specification", code="specification_not_found")

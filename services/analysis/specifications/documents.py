"""A specification as a document: what its text says, where its copy lies, what differs between two."""

import hashlib
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, Final
from uuid import UUID

from libs.common.objects import ObjectStore
from libs.providers.specification import ProductSpec

_ABSENT: Final = object()


async def keep(
    objects: ObjectStore, owner_id: UUID, product_id: UUID, yaml_content: str, spec: ProductSpec
) -> dict[str, Any]:
    """Puts a copy of the text into the object store; returns the facts that can be read from it.

    The key is made of the text's hash: it is settled before the version's number is, and comes out the same
    when a dead worker's job is repeated.
    """
    data = yaml_content.encode()
    digest = hashlib.sha256(data).hexdigest()
    key = f"products/{owner_id}/{product_id}/specs/{digest}.yaml"
    await objects.put(key, data, "application/yaml")
    return {
        "yaml_content": yaml_content,
        "sha256": digest,
        "key": key,
        "template_version": spec.template_version,
        "confidence_overall": spec.confidence_overall,
        "primary_dimensions": spec.primary_dimensions,
        "primary_colors": spec.primary_colors,
        "material_type": spec.material_type,
    }


def differences(old: Any, new: Any, path: str = "") -> Iterator[dict[str, Any]]:
    """Every field that differs between two JSON documents; `path` is a JSON Pointer (RFC 6901)."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in old | new:
            part = name.replace("~", "~0").replace("/", "~1")
            yield from differences(old.get(name, _ABSENT), new.get(name, _ABSENT), f"{path}/{part}")
    elif isinstance(old, list) and isinstance(new, list):
        for index, pair in enumerate(zip_longest(old, new, fillvalue=_ABSENT)):
            yield from differences(*pair, f"{path}/{index}")
    elif old is _ABSENT:
        yield {"path": path, "change": "added", "from": None, "to": new}
    elif new is _ABSENT:
        yield {"path": path, "change": "removed", "from": old, "to": None}
    elif old != new:
        yield {"path": path, "change": "changed", "from": old, "to": new}

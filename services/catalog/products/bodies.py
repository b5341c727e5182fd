"""What clients send and get, with the names that earlier clients know the same fields by."""

from typing import Any, Literal

from pydantic import BaseModel, model_validator

from libs.common.contracts.catalog import ProductStatus
from libs.common.http import Timestamp
from services.catalog.products.domain import NewProduct, ProductChanges
from services.catalog.references.bodies import ReferenceBody

ShownStatus = ProductStatus | Literal["processing"]

ALIASES = {"name": "title", "product_category": "category", "metadata_": "metadata"}


class ProductBody(BaseModel):
    """`status` is `processing` while an analysis of the product runs; `version` is the stream's."""

    id: str
    title: str
    name: str
    slug: str
    description: str | None
    category: str | None
    product_category: str | None
    subcategory: str | None
    tags: list[str]
    status: ShownStatus
    is_active: bool
    metadata: dict[str, Any]
    metadata_: dict[str, Any]
    images: list[ReferenceBody]
    primary_image_url: str | None
    thumbnail_url: str | None
    created_by: str
    user_id: str
    created_at: Timestamp
    updated_at: Timestamp
    deleted_at: Timestamp | None
    version: int


class _Renamed(BaseModel):
    @model_validator(mode="before")
    @classmethod
    def _canonical(cls, data: Any) -> Any:
        return canonical(data) if isinstance(data, dict) else data


class CreateProductBody(_Renamed, NewProduct):
    """`name` is taken for `title`, `product_category` for `category`, `is_active` for `status`.

    Without a `slug` one is made from the title.
    """


class ChangeProductBody(_Renamed, ProductChanges):
    """Any of the fields; those left out stay as they are, `null` clears. Other names as in creating.

    Fields that cannot be set are ignored, so that a product can be sent back as it was received.
    """


_READ_ONLY = ProductBody.model_fields.keys() - NewProduct.model_fields.keys() - ALIASES.keys() - {"is_active"}


def canonical(data: dict[str, Any]) -> dict[str, Any]:
    """The same under canonical names alone. Raises ValueError where two names contradict each other."""
    fields = {name: value for name, value in data.items() if name not in _READ_ONLY}
    for alias, name in ALIASES.items():
        if alias in fields and fields.setdefault(name, fields[alias]) != fields.pop(alias):
            raise ValueError(f"{alias} is another name of {name}: give one of them, or the same value")
    if "is_active" in fields:
        _apply_is_active(fields, fields.pop("is_active"))
    return fields


def _apply_is_active(fields: dict[str, Any], is_active: Any) -> None:
    """Whatever is not archived counts as active."""
    if not isinstance(is_active, bool):
        raise ValueError("is_active must be true or false")
    status = fields.setdefault("status", "active" if is_active else "archived")
    if is_active == (status == "archived"):
        raise ValueError("is_active and status contradict each other: give one of them")

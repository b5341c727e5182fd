"""A product and its photos: one stream. Pure: no I/O, no clock, no random ids."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any, assert_never
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, field_validator

from libs.common.contracts.catalog import (
    ProductChanged,
    ProductCreated,
    ProductDeleted,
    ProductRestored,
    ProductStatus,
    ReferenceChanged,
    ReferenceDeleted,
    ReferenceUploaded,
)
from libs.common.decider import Decider
from libs.common.errors import Conflict, NotFound
from libs.common.messages import Command
from libs.common.values import JsonObject, Text
from services.catalog.references import domain as photos
from services.catalog.references.domain import ReferenceCommand, ReferenceEvent, References

MAX_TAGS = 50

Title = Annotated[Text, StringConstraints(min_length=1, max_length=255)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]+$", max_length=255)]
Category = Annotated[Text, StringConstraints(max_length=100)]
Tag = Annotated[Text, StringConstraints(min_length=1, max_length=100)]


def _distinct(tags: list[str]) -> list[str]:
    distinct = list(dict.fromkeys(tags))
    if len(distinct) > MAX_TAGS:
        raise ValueError(f"must not be more than {MAX_TAGS}")
    return distinct


Tags = Annotated[list[Tag], AfterValidator(_distinct)]


class ProductDetails(BaseModel):
    """What an owner says about a product."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    title: Title | None = None
    slug: Slug | None = None
    description: Annotated[Text, StringConstraints(max_length=20_000)] | None = None
    category: Category | None = None
    subcategory: Category | None = None
    tags: Tags | None = None
    status: ProductStatus | None = None
    metadata: JsonObject | None = None


class NewProduct(ProductDetails):
    title: Title


class ProductChanges(ProductDetails):
    """What is not given stays as it is; `None` clears, and `metadata` is merged key by key (RFC 7396)."""

    @field_validator("title", "slug", "status", mode="before")
    @classmethod
    def _cannot_be_cleared(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("cannot be cleared: leave it out to keep it")
        return value


class CreateProduct(Command):
    """`slug` is the one that was reserved, whatever the details asked for."""

    owner_id: UUID
    slug: Slug
    details: NewProduct


class ChangeProduct(Command):
    owner_id: UUID
    details: ProductChanges


class DeleteProduct(Command):
    owner_id: UUID
    restorable_until: datetime


class RestoreProduct(Command):
    owner_id: UUID
    at: datetime


ProductCommand = CreateProduct | ChangeProduct | DeleteProduct | RestoreProduct | ReferenceCommand
ProductEvent = ProductCreated | ProductChanged | ProductDeleted | ProductRestored | ReferenceEvent


@dataclass(frozen=True, slots=True)
class Product:
    owner_id: UUID | None = None
    title: str = ""
    slug: str = ""
    description: str | None = None
    category: str | None = None
    subcategory: str | None = None
    tags: list[str] = field(default_factory=list)
    status: ProductStatus = "draft"
    metadata: dict[str, Any] = field(default_factory=dict)
    restorable_until: datetime | None = None
    references: References = ()

    @property
    def deleted(self) -> bool:
        return self.restorable_until is not None


def decide(command: ProductCommand, product: Product) -> list[ProductEvent]:
    """Whatever is not the caller's, or is deleted, does not exist for the caller."""
    if isinstance(command, CreateProduct):
        return [_create(command, product)]
    if product.owner_id != command.owner_id or (product.deleted and not isinstance(command, RestoreProduct)):
        raise NotFound("no such product", code="product_not_found")
    match command:
        case ChangeProduct(details=details):
            changes = _changes(details, product)
            return [ProductChanged(owner_id=command.owner_id, changes=changes)] if changes else []
        case DeleteProduct(restorable_until=until):
            return [ProductDeleted(owner_id=command.owner_id, restorable_until=until)]
        case RestoreProduct():
            return _restore(command, product)
        case _:
            return list(photos.decide(command, product.references))


def _create(command: CreateProduct, product: Product) -> ProductCreated:
    if product.owner_id is not None:
        raise Conflict("the product exists already", code="product_exists")
    given = command.details.model_dump(exclude_none=True)
    return ProductCreated(**{**given, "owner_id": command.owner_id, "slug": command.slug})


def _restore(command: RestoreProduct, product: Product) -> list[ProductEvent]:
    if product.restorable_until is None:
        return []
    if command.at > product.restorable_until:
        until = product.restorable_until.date()
        raise Conflict(f"it could be restored until {until}", code="restore_expired")
    return [ProductRestored(owner_id=command.owner_id)]


def _changes(details: ProductChanges, product: Product) -> dict[str, Any]:
    """The given fields whose value becomes another one; a cleared one is as if it had never been set."""
    given = details.model_dump(exclude_unset=True)
    if details.metadata is not None:
        given["metadata"] = _merged(product.metadata, details.metadata)
    wanted = {name: getattr(Product(), name) if value is None else value for name, value in given.items()}
    return {name: value for name, value in wanted.items() if value != getattr(product, name)}


def _merged(old: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), value)
    return merged


def evolve(product: Product, event: ProductEvent) -> Product:
    match event:
        case ProductCreated():
            return Product(**event.model_dump())
        case ProductChanged():
            known = ProductDetails.model_fields.keys() & event.changes.keys()
            return replace(product, **{name: event.changes[name] for name in known})
        case ProductDeleted():
            return replace(product, restorable_until=event.restorable_until)
        case ProductRestored():
            return replace(product, restorable_until=None)
        case ReferenceUploaded() | ReferenceChanged() | ReferenceDeleted():
            return replace(product, references=photos.evolve(product.references, event))
    assert_never(event)


products = Decider("product", Product(), decide, evolve)

"""Read model: every product as its owner sees it."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR

from libs.common.contracts.catalog import (
    ProductChanged,
    ProductCreated,
    ProductDeleted,
    ProductRestored,
    ReferenceChanged,
    ReferenceDeleted,
    ReferenceUploaded,
)
from libs.common.event_log import ReadModel, Recorded
from libs.common.sql import Bound, Statement
from services.catalog.products.analyses import running_analyses
from services.catalog.products.domain import ProductChanges
from services.catalog.references.references import complete, images_of
from services.catalog.tables import metadata, rfc3339

SEPARATORS = r"-_/\.,:;@&<>+#'"
"""Taken for blanks: PostgreSQL's parser would keep `sku-12` and `a/b.png` in one piece, or read a sign."""

_TEXT = " || ' ' || ".join(
    ["title", *(f"coalesce({name}, '')" for name in ("description", "category", "subcategory"))]
)
_QUOTED = SEPARATORS.replace("'", "''")
WORDS = f"to_tsvector('simple', translate({_TEXT}, '{_QUOTED}', '{' ' * len(SEPARATORS)}'))"

products = sa.Table(
    "products",
    metadata,
    sa.Column("product_id", sa.Uuid, primary_key=True),
    sa.Column("owner_id", sa.Uuid, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("slug", sa.Text, nullable=False, index=True),
    sa.Column("description", sa.Text),
    sa.Column("category", sa.Text),
    sa.Column("subcategory", sa.Text),
    sa.Column("tags", ARRAY(sa.Text), nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("metadata", JSONB, nullable=False),
    sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column("deleted_at", sa.TIMESTAMP(timezone=True)),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("words", TSVECTOR, sa.Computed(WORDS, persisted=True), nullable=False),
    sa.Index(None, "owner_id", "created_at", "product_id", postgresql_include=["deleted_at"]),
    sa.Index(None, "words", postgresql_using="gin"),
)

_MUTABLE = frozenset(ProductChanges.model_fields)


def _values(columns: Iterable[str]) -> dict[str, sa.BindParameter[Any]]:
    return {name: sa.bindparam(name) for name in columns}


_INSERT = Statement(products.insert().values(_values(c.name for c in products.c if c.computed is None)))


@cache
def _update(columns: frozenset[str]) -> Statement:
    mine = products.c.product_id == sa.bindparam("id")
    return Statement(products.update().where(mine).values(_values(sorted(columns))))


def _set(recorded: Recorded[Any], **changes: Any) -> Bound:
    """These changes, and what changes with every event."""
    values = changes | {"version": recorded.version, "updated_at": recorded.recorded_at}
    return _update(frozenset(values))(id=recorded.stream_id, **values)


def project(recorded: Recorded[Any]) -> Iterable[Bound]:
    match recorded.event:
        case ProductCreated() as event:
            yield _INSERT(
                **event.model_dump(),
                product_id=recorded.stream_id,
                created_at=recorded.recorded_at,
                updated_at=recorded.recorded_at,
                deleted_at=None,
                version=recorded.version,
            )
        case ProductChanged(changes=changes):
            yield _set(recorded, **{name: changes[name] for name in _MUTABLE.intersection(changes)})
        case ProductDeleted():
            yield _set(recorded, deleted_at=recorded.recorded_at)
        case ProductRestored():
            yield _set(recorded, deleted_at=None)
        case ReferenceUploaded() | ReferenceChanged() | ReferenceDeleted():
            yield _set(recorded)


products_model = ReadModel("products", (products,), project)


_analyses = sa.select(1).where(running_analyses.c.product_id == products.c.product_id)
shown_status = sa.case((sa.exists(_analyses), sa.literal_column("'processing'")), else_=products.c.status)

VIEW = sa.select(
    sa.cast(products.c.product_id, sa.Text).label("id"),
    products.c.title,
    products.c.slug,
    products.c.description,
    products.c.category,
    products.c.subcategory,
    products.c.tags,
    shown_status.label("status"),
    (products.c.status != sa.literal_column("'archived'")).label("is_active"),
    products.c.metadata,
    sa.cast(products.c.owner_id, sa.Text).label("created_by"),
    rfc3339(products.c.created_at).label("created_at"),
    rfc3339(products.c.updated_at).label("updated_at"),
    rfc3339(products.c.deleted_at).label("deleted_at"),
    products.c.version,
    images_of(products.c.product_id).label("images"),
)
"""A product as answers show it, complete once `present` has been over it."""

_mine = (products.c.owner_id == sa.bindparam("owner_id"), products.c.deleted_at.is_(None))
find = Statement(VIEW.where(products.c.product_id == sa.bindparam("product_id"), *_mine))
find_images = Statement(
    sa.select(images_of(products.c.product_id)).where(
        products.c.product_id == sa.bindparam("product_id"), *_mine
    )
)
find_by_slug = Statement(VIEW.where(products.c.slug == sa.bindparam("slug"), *_mine))


def present(row: Mapping[str, Any], url: Callable[[str], str]) -> dict[str, Any]:
    """A row of `VIEW` as JSON: the objects' URLs, and the names by which earlier clients know some fields."""
    body = dict(row)
    images = complete(body["images"], url)
    body["name"] = body["title"]
    body["product_category"] = body["category"]
    body["metadata_"] = body["metadata"]
    body["user_id"] = body["created_by"]
    body["primary_image_url"] = images[0]["url"] if images else None
    body["thumbnail_url"] = _thumbnail(images[0]) if images else None
    return body


def _thumbnail(image: dict[str, Any]) -> str:
    """The smallest copy that is made yet, or the photo itself."""
    smallest: str = image["variants"].get("256", image["url"])
    return smallest

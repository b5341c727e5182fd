"""What catalog tells of products: to be called by their names and hidden when deleted, and to decide on.

The table is a copy fed from catalog's events; a decision never rests on it, but on catalog's own answer.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy.dialects.postgresql import insert

from libs.common.bus import Bus
from libs.common.contracts.analysis import PinnedReference
from libs.common.contracts.catalog import ProductChanged, ProductCreated, ProductDeleted, ProductRestored
from libs.common.database import Reader
from libs.common.errors import NotFound
from libs.common.event_log import ReadModel, Recorded
from libs.common.sql import Bound, Statement, metadata


class Product(BaseModel):
    """As catalog has it now; the primary photo comes first."""

    product_id: UUID
    title: str
    references: list[PinnedReference]


refs_products = sa.Table(
    "refs_products",
    metadata(),
    sa.Column("product_id", sa.Uuid, primary_key=True),
    sa.Column("owner_id", sa.Uuid, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("deleted", sa.Boolean, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

_row = insert(refs_products).values(
    product_id=sa.bindparam("product_id"),
    owner_id=sa.bindparam("owner_id"),
    title=sa.bindparam("title"),
    deleted=False,
    version=sa.bindparam("version"),
)
_created = Statement(_row.on_conflict_do_nothing())


def _newer(**values: Any) -> Statement:
    """A change that an older message, read again, does not undo."""
    return Statement(
        refs_products.update()
        .where(refs_products.c.product_id == sa.bindparam("id"), refs_products.c.version < sa.bindparam("v"))
        .values(version=sa.bindparam("v"), **values)
    )


_renamed = _newer(title=sa.bindparam("new_title"))
_hidden = _newer(deleted=sa.bindparam("is_deleted"))


def _project(recorded: Recorded[Any]) -> Iterator[Bound]:
    product = {"id": recorded.stream_id, "v": recorded.version}
    match recorded.event:
        case ProductCreated(owner_id=owner_id, title=title):
            yield _created(
                product_id=recorded.stream_id, owner_id=owner_id, title=title, version=recorded.version
            )
        case ProductChanged(changes={"title": title}):
            yield _renamed(**product, new_title=title)
        case ProductDeleted():
            yield _hidden(**product, is_deleted=True)
        case ProductRestored():
            yield _hidden(**product, is_deleted=False)


read_model = ReadModel("refs_products", (refs_products,), _project, sources=("catalog",))

_find = Statement(sa.select(refs_products).where(refs_products.c.product_id == sa.bindparam("id")))


def visible(product_id: sa.ColumnElement[UUID | None]) -> sa.ColumnElement[bool]:
    """A condition: the product is not known to be deleted."""
    deleted = sa.select(1).where(refs_products.c.product_id == product_id, refs_products.c.deleted)
    return ~sa.exists(deleted)


async def ask_product(bus: Bus, owner_id: UUID, product_id: UUID) -> Product:
    """Raises NotFound for a product that is deleted or somebody else's."""
    question = {"product_id": str(product_id), "owner_id": str(owner_id)}
    return Product.model_validate(await bus.ask("catalog", "product", question))


async def require_product(db: Reader, bus: Bus, owner_id: UUID, product_id: UUID) -> None:
    """For a product's lists; catalog is asked about one so new that its event is still on the way.

    Raises NotFound for a product that is deleted or somebody else's.
    """
    row = await db.fetchrow(_find(id=product_id))
    if row is None:
        await ask_product(bus, owner_id, product_id)
    elif row["deleted"] or row["owner_id"] != owner_id:
        raise NotFound("no such product", code="product_not_found")

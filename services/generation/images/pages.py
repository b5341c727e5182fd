"""Galleries: filtered, searched, sorted, now or as they were at any time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from libs.common.database import Reader
from libs.common.http import Paging
from libs.common.lists import Found, Listing, Order
from services.generation.images.gallery import gallery, gallery_history, view

SORTS: dict[str, Callable[[Any], Any]] = {"created_at": datetime.fromisoformat, "rating": int}
"""What a gallery can be sorted by, and how a cursor's sort key is read."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What tells one list statement from another."""

    filters: frozenset[str]
    as_of: bool
    deleted: bool
    sort: str
    descending: bool
    continued: bool


async def find_page(
    db: Reader,
    owner_id: UUID,
    product_id: UUID,
    filters: dict[str, Any],
    paging: Paging,
    *,
    as_of: datetime | None = None,
    deleted: bool = False,
) -> Found:
    """The pictures of a product; `filters` holds those of `_conditions` that were asked for."""
    shape = Shape(
        filters=frozenset(filters),
        as_of=as_of is not None,
        deleted=deleted,
        sort=paging.sort,
        descending=paging.descending,
        continued=paging.after is not None,
    )
    values = filters | {"owner": owner_id, "product": product_id, "as_of": as_of}
    return await _listing(shape).find(db, paging, SORTS[paging.sort], **values)


@lru_cache(maxsize=256)
def _listing(shape: Shape) -> Listing:
    state = _at_the_time() if shape.as_of else gallery
    possible, hidden = _conditions(state), state.c.restorable_until
    conditions = [
        gallery.c.owner_id == sa.bindparam("owner"),
        gallery.c.product_id == sa.bindparam("product"),
        hidden.is_not(None) if shape.deleted else hidden.is_(None),
        *(possible[name] for name in sorted(shape.filters)),
    ]
    order = Order(_sort_key(shape.sort, state), gallery.c.image_id, shape.descending, shape.continued)
    source = gallery.join(state, sa.true()) if shape.as_of else gallery
    return Listing(view(state), source, conditions, order)


def _at_the_time() -> sa.FromClause:
    """The state each picture was in; one that was not made yet has none."""
    history = gallery_history.c
    return (
        sa.select(gallery_history)
        .where(history.image_id == gallery.c.image_id, history.since <= sa.bindparam("as_of"))
        .order_by(history.version.desc())
        .limit(sa.literal_column("1"))
        .lateral("state")
    )


def _conditions(state: sa.FromClause) -> dict[str, sa.ColumnElement[bool]]:
    words = sa.func.lower(sa.bindparam("search"))
    return {
        "search": sa.func.strpos(sa.func.lower(gallery.c.prompt), words) > 0,
        "kind": gallery.c.kind == sa.bindparam("kind"),
        "spec_version": gallery.c.specification_version == sa.bindparam("spec_version"),
        "seed": gallery.c.seed == sa.bindparam("seed"),
        "model": gallery.c.model == sa.bindparam("model"),
        "provider": gallery.c.provider == sa.bindparam("provider"),
        "favourite": state.c.favourite == sa.bindparam("favourite"),
        "rating": state.c.rating == sa.bindparam("rating"),
        "min_rating": state.c.rating >= sa.bindparam("min_rating"),
    }


def _sort_key(sort: str, state: sa.FromClause) -> sa.ColumnElement[Any]:
    """What nobody has rated counts as less than everything rated."""
    unrated = sa.literal_column("-1", sa.Integer)
    return sa.func.coalesce(state.c.rating, unrated) if sort == "rating" else gallery.c.created_at

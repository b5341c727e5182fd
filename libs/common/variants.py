"""The smaller WebP copies of stored pictures: made after a picture is visible, shown once they are there."""

import asyncio
import logging
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from libs.common import sql
from libs.common.database import Reader
from libs.common.errors import Invalid, NotFound, TooLarge, UnsupportedMedia
from libs.common.objects import ObjectStore
from libs.common.sql import Statement

log = logging.getLogger(__name__)


def _give_way() -> None:
    """Nobody waits for a copy, but somebody for whatever else the processor could do (on Linux, of a thread)."""
    if sys.platform == "linux":
        os.nice(10)


_encoder = ThreadPoolExecutor(1, "variants", _give_way)
"""One picture at a time bounds the memory, too."""

object_variants = sa.Table(
    "object_variants",
    sql.metadata(),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("size", sa.Integer, primary_key=True),
    sa.Column("variant_key", sa.Text, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("file_size_bytes", sa.Integer, nullable=False),
)

_INSERT = Statement(insert(object_variants).on_conflict_do_nothing())


async def make(db: Reader, objects: ObjectStore, key: str) -> None:
    """Makes the copies of the picture at `key` and puts them beside it, before the first statement.

    Doing it again, even at the same time, changes nothing. A picture that is gone or damaged gets none.
    """
    from libs.imaging.variants import make_variants

    try:
        data = await objects.get(key)
        variants = await asyncio.get_running_loop().run_in_executor(_encoder, make_variants, data)
    except (NotFound, UnsupportedMedia, TooLarge, Invalid) as refusal:
        log.warning("no variants of %s: %s", key, refusal.detail)
        return
    keys = [f"{key}.{variant.rung}.webp" for variant in variants]
    await asyncio.gather(*(objects.put(k, v.data, v.mime) for k, v in zip(keys, variants, strict=True)))
    for variant_key, variant in zip(keys, variants, strict=True):
        await db.execute(
            _INSERT(
                key=key,
                size=variant.rung,
                variant_key=variant_key,
                width=variant.width,
                height=variant.height,
                file_size_bytes=len(variant.data),
            )
        )


def keys_of(key: sa.ColumnElement[str]) -> sa.ScalarSelect[Any]:
    """For a read model's query: the copies' keys by size, as a JSON object."""
    pairs = sa.func.jsonb_object_agg(sa.cast(object_variants.c.size, sa.Text), object_variants.c.variant_key)
    nothing: sa.ColumnElement[Any] = sa.literal_column("'{}'::jsonb")
    return sa.select(sa.func.coalesce(pairs, nothing)).where(object_variants.c.key == key).scalar_subquery()


def key_of(key: sa.ColumnElement[str], size: int) -> sa.ScalarSelect[Any]:
    """For a read model's query: the key of the copy of that size, null until it is made."""
    copy = (object_variants.c.key == key, object_variants.c.size == sa.literal_column(str(size)))
    return sa.select(object_variants.c.variant_key).where(*copy).scalar_subquery()

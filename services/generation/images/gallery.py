"""Read model behind the galleries: one row per picture, and what its owner thought of it at any time."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from libs.common import variants
from libs.common.contracts.generation import ImageGenerated
from libs.common.database import Reader
from libs.common.event_log import ReadModel, Recorded
from libs.common.sql import Bound, Statement
from libs.refs.products import visible
from services.generation.images.domain import ImageAnnotated, ImageDeleted, ImageRestored
from services.generation.tables import tables

gallery = sa.Table(
    "gallery",
    tables,
    sa.Column("image_id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("owner_id", sa.Uuid, nullable=False),
    sa.Column("product_id", sa.Uuid),
    sa.Column("request_id", sa.Uuid, nullable=False),
    sa.Column("generation_index", sa.Integer, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("content_type", sa.Text, nullable=False),
    sa.Column("file_size_bytes", sa.Integer, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("prompt", sa.Text, nullable=False),
    sa.Column("aspect_ratio", sa.Text, nullable=False),
    sa.Column("resolution", sa.Text, nullable=False),
    sa.Column("specification_id", sa.Uuid),
    sa.Column("specification_version", sa.Integer),
    sa.Column("specification_sha256", sa.Text),
    sa.Column("parent_image_id", sa.Uuid),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("fallback_from", sa.Text),
    sa.Column("model_response_text", sa.Text),
    sa.Column("call", JSONB, nullable=False),
    sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column("favourite", sa.Boolean, nullable=False),
    sa.Column("rating", sa.Integer),
    sa.Column("label", sa.Text),
    sa.Column("restorable_until", sa.TIMESTAMP(timezone=True)),
    sa.Column("project_id", sa.Uuid),
    sa.Column("vector_key", sa.Text),
    sa.UniqueConstraint("request_id", "generation_index"),
    sa.Index(None, "product_id", "created_at"),
    sa.Index(None, "project_id", "created_at", postgresql_where=sa.text("project_id IS NOT NULL")),
)

gallery_history = sa.Table(
    "gallery_history",
    tables,
    sa.Column("image_id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("since", sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column("favourite", sa.Boolean, nullable=False),
    sa.Column("rating", sa.Integer),
    sa.Column("label", sa.Text),
    sa.Column("restorable_until", sa.TIMESTAMP(timezone=True)),
)
"""Every state a picture was ever in, each from `since` until the next version."""


_OPINION = ("favourite", "rating", "label", "restorable_until")


def _remembered(change: sa.Insert | sa.Update) -> Statement:
    """The change, and in one go the state it leads to."""
    changed = change.returning(gallery.c.image_id, gallery.c.version, *(gallery.c[name] for name in _OPINION))
    state = changed.cte("changed").c
    since = sa.bindparam("at", type_=sa.TIMESTAMP(timezone=True))
    values = sa.select(state.image_id, state.version, since, *(state[name] for name in _OPINION))
    return Statement(gallery_history.insert().from_select([*gallery_history.c.keys()], values))


def _change(**values: Any) -> Statement:
    return _remembered(
        gallery.update()
        .where(gallery.c.image_id == sa.bindparam("id"))
        .values(version=sa.bindparam("v"), **values)
    )


_generated = _remembered(gallery.insert())
_annotated = _change(
    favourite=sa.bindparam("liked"), rating=sa.bindparam("stars"), label=sa.bindparam("words")
)
_binned = _change(restorable_until=sa.bindparam("until"))
_NEW = dict.fromkeys(_OPINION) | {"favourite": False}


def _project(recorded: Recorded[Any]) -> Iterator[Bound]:
    image = {"id": recorded.stream_id, "v": recorded.version, "at": recorded.recorded_at}
    match recorded.event:
        case ImageGenerated() as made:
            at = recorded.recorded_at
            yield _generated(**_NEW, **_row(made), image_id=recorded.stream_id, created_at=at, at=at)
        case ImageAnnotated(favourite=favourite, rating=rating, label=label):
            yield _annotated(**image, liked=favourite, stars=rating, words=label)
        case ImageDeleted(restorable_until=until):
            yield _binned(**image, until=until)
        case ImageRestored():
            yield _binned(**image, until=None)


def _row(made: ImageGenerated) -> dict[str, Any]:
    pinned = made.specification
    return made.model_dump(exclude={"index", "specification"}) | {
        "version": 1,
        "generation_index": made.index,
        "specification_id": pinned.specification_id if pinned else None,
        "specification_version": pinned.version if pinned else None,
        "specification_sha256": pinned.sha256 if pinned else None,
    }


read_model = ReadModel("gallery", (gallery, gallery_history), _project)


def view(state: sa.FromClause = gallery) -> sa.Select[Any]:
    """Pictures as they are, or with what their owner thinks of them taken from another `state`."""
    opinion = {"version", *_OPINION}
    facts = [column for column in gallery.c if column.name not in opinion]
    return sa.select(
        *facts,
        *(state.c[name] for name in sorted(opinion)),
        variants.keys_of(gallery.c.key).label("variant_keys"),
    )


_kept = (gallery.c.restorable_until.is_(None), visible(gallery.c.product_id))
find = Statement(
    view().where(
        gallery.c.image_id == sa.bindparam("id"), gallery.c.owner_id == sa.bindparam("owner"), *_kept
    )
)
find_even_deleted = Statement(
    sa.select(
        gallery.c.image_id,
        gallery.c.key.label("s3_key"),
        gallery.c.sha256,
        gallery.c.content_type,
        gallery.c.restorable_until.is_not(None).label("in_bin"),
    ).where(gallery.c.image_id == sa.bindparam("id"), gallery.c.owner_id == sa.bindparam("owner"))
)
of_requests = Statement(
    view()
    .where(gallery.c.request_id == sa.any_(sa.bindparam("requests", type_=ARRAY(sa.Uuid))), *_kept)
    .order_by(gallery.c.generation_index)
)


async def by_request(db: Reader, requests: Sequence[UUID]) -> Mapping[UUID, list[Mapping[str, Any]]]:
    """The pictures of each of them; of a request without any, none."""
    found: dict[UUID, list[Mapping[str, Any]]] = defaultdict(list)
    for image in await db.fetch(of_requests(requests=requests)):
        found[image["request_id"]].append(image)
    return found

"""Read model of what is made for a brand: one row per logo from the moment it is asked for, its picture beside it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from libs.common.contracts.generation import GenerationRequested, PromptsWritten
from libs.common.event_log import ReadModel, Recorded
from libs.common.sql import Bound, Statement
from services.generation.brands.projects import projects
from services.generation.images import gallery as pictures
from services.generation.images.bodies import present as present_picture
from services.generation.images.gallery import gallery
from services.generation.requests.generation_requests import generation_requests as requests
from services.generation.requests.views import WORDS
from services.generation.tables import tables

assets = sa.Table(
    "brand_assets",
    tables,
    sa.Column("image_id", sa.Uuid, primary_key=True),
    sa.Column("project_id", sa.Uuid, nullable=False, index=True),
    sa.Column("owner_id", sa.Uuid, nullable=False),
    sa.Column("request_id", sa.Uuid, nullable=False, index=True),
    sa.Column("index", sa.Integer, nullable=False),
    sa.Column("parent_image_id", sa.Uuid),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("prompt", sa.Text),
    sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
)
_asked_for = Statement(assets.insert())
_described = Statement(
    assets.update()
    .where(assets.c.request_id == sa.bindparam("request"), assets.c.index == sa.bindparam("n"))
    .values(prompt=sa.bindparam("text"))
)


def _project(recorded: Recorded[Any]) -> Iterator[Bound]:
    match recorded.event:
        case GenerationRequested(project_id=UUID()) as request:
            for image in request.images:
                yield _asked_for(
                    **image.model_dump(include={"image_id", "index", "seed"}),
                    **request.model_dump(include={"project_id", "owner_id", "kind"}),
                    request_id=recorded.stream_id,
                    parent_image_id=request.parent.image_id if request.parent else None,
                    prompt=request.prompt if request.parent else None,
                    created_at=recorded.recorded_at,
                )
        case PromptsWritten(prompts=prompts):
            for number, text in enumerate(prompts, 1):
                yield _described(request=recorded.stream_id, n=number, text=text)


read_model = ReadModel("brand_assets", (assets,), _project)

_of_request = ("status", "code", "error_message", "failures", "provider", "model")
_source = (
    assets.join(requests, requests.c.request_id == assets.c.request_id)
    .outerjoin(gallery, gallery.c.image_id == assets.c.image_id)
    .join(projects, projects.c.project_id == assets.c.project_id)
)
_view = (
    pictures.view()
    .add_columns(
        *(column.label(f"asset_{column.name}") for column in assets.c),
        *(requests.c[name].label(f"request_{name}") for name in _of_request),
        projects.c.brand_name,
    )
    .select_from(_source)
    .where(assets.c.owner_id == sa.bindparam("owner"), gallery.c.restorable_until.is_(None))
)
_in_order = (assets.c.created_at, assets.c.request_id, assets.c.index)
find = Statement(_view.where(assets.c.image_id == sa.bindparam("id")))
of_project = Statement(_view.where(assets.c.project_id == sa.bindparam("project")).order_by(*_in_order))
of_request = Statement(_view.where(assets.c.request_id == sa.bindparam("request")).order_by(*_in_order))
_PICTURE = ("url", "vector_url", "variants", "thumbnail_url", "content_type", "width", "height")
_OPINION = ("favourite", "rating", "label", "provider_fallback_from")


def present(row: Mapping[str, Any], url: Callable[[str], str]) -> dict[str, Any]:
    """A row as an `AssetBody`."""
    picture = present_picture(row, url) if row["image_id"] else {}
    return {
        **{name: picture.get(name) for name in (*_PICTURE, *_OPINION)},
        **_state(row),
        "id": row["asset_image_id"],
        "project_id": row["asset_project_id"],
        "parent_asset_id": row["asset_parent_image_id"],
        "request_id": row["asset_request_id"],
        "job_id": row["asset_request_id"],
        "kind": row["asset_kind"],
        "index": row["asset_index"],
        "seed": row["asset_seed"],
        "prompt": row["asset_prompt"],
        "provider": row["provider"] or row["request_provider"],
        "model": row["model"] or row["request_model"],
        "created_at": row["asset_created_at"],
    }


def _state(row: Mapping[str, Any]) -> dict[str, Any]:
    """A request that is over has failed for each picture that is not there, and mostly says why."""
    if row["image_id"]:
        return {"status": "completed", "code": None, "error_message": None}
    told = {failure["index"]: failure for failure in row["request_failures"]}
    if failure := told.get(row["asset_index"]):
        return {"status": "failed", "code": failure["code"], "error_message": failure["detail"]}
    status = WORDS[row["request_status"]]
    return {
        "status": "failed" if status == "completed" else status,
        "code": row["request_code"],
        "error_message": row["request_error_message"],
    }


def tree(shown: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each below the one it was made from; below nothing, if that is deleted."""
    nodes = {one["id"]: one | {"children": []} for one in shown}
    for node in nodes.values():
        if parent := nodes.get(node["parent_asset_id"]):
            parent["children"].append(node)
    return [node for node in nodes.values() if node["parent_asset_id"] not in nodes]

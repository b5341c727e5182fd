"""Brand projects as clients see them."""

from collections.abc import Callable, Mapping
from typing import Any

from services.generation.brands.bodies import links_of
from services.generation.requests.views import WORDS, progress_of

_SAME = (
    "brand_name",
    "tagline",
    "industry",
    "brief",
    "style",
    "colors",
    "created_at",
    "completed_at",
    "version",
)
_OF_REQUEST = ("code", "error_message", "retryable", "provider", "model")


def present_project(row: Mapping[str, Any], url: Callable[[str], str]) -> dict[str, Any]:
    """A row of `projects` as a `ProjectBody`."""
    return {name: row[name] for name in (*_SAME, *_OF_REQUEST)} | {
        "id": row["project_id"],
        "project_id": row["project_id"],
        "request_id": row["request_id"],
        "job_id": row["request_id"],
        "inspiration_images": [_inspiration(picture, url) for picture in row["inspiration"]],
        "status": WORDS[row["status"]],
        "progress": progress_of(row),
        "count": len(row["images"]),
        "provider_fallback_from": row["fallback_from"],
        "cover_url": url(row["cover_key"]) if row["cover_key"] else None,
        "created_by": row["owner_id"],
        "links": links_of(row["project_id"], row["request_id"]),
    }


def _inspiration(picture: Mapping[str, Any], url: Callable[[str], str]) -> dict[str, Any]:
    shown = ("original_filename", "content_type", "file_size_bytes", "width", "height")
    return {"id": picture["reference_id"], "url": url(picture["key"])} | {n: picture[n] for n in shown}

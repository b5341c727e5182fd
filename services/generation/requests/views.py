"""Generation requests as clients see them, in the words of the first backend."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

from services.generation.images.bodies import present
from services.generation.requests.domain import steps_of

WORDS = {
    "queued": "pending",
    "processing": "processing",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "failed",
}
_RENAMED = {"images", "specification", "references", "fallback_from", "owner_id", "status", "done"}


def links_of(request_id: UUID) -> dict[str, str]:
    request, job = f"/api/v1/generation-requests/{request_id}", f"/api/v1/jobs/{request_id}"
    return {"request": request, "job": job, "stream": f"{job}/stream", "cancel": request}


def accepted(request_id: UUID) -> dict[str, Any]:
    """The answer to an accepted request."""
    return {
        "request_id": request_id,
        "job_id": request_id,
        "status": "pending",
        "links": links_of(request_id),
    }


def progress_of(row: Mapping[str, Any]) -> int:
    """Percent."""
    total = steps_of(row["kind"], len(row["images"]))
    return 100 if row["status"] == "completed" else 100 * row["done"] // total


def present_request(
    row: Mapping[str, Any], images: Iterable[Mapping[str, Any]], url: Callable[[str], str]
) -> dict[str, Any]:
    """A row of `generation_requests` with its pictures, as a `GenerationRequestBody`."""
    pinned, specification = row["images"], row["specification"] or {}
    shown = [present(image, url) for image in images]
    passed_over = (image["provider_fallback_from"] for image in shown)
    return {name: value for name, value in row.items() if name not in _RENAMED} | {
        "id": row["request_id"],
        "job_id": row["request_id"],
        "status": WORDS[row["status"]],
        "progress": progress_of(row),
        "count": len(pinned),
        "image_count": len(pinned),
        "seeds": [picture["seed"] for picture in pinned],
        "specification_id": specification.get("specification_id"),
        "specification_version": specification.get("version"),
        "specification_sha256": specification.get("sha256"),
        "references": row["references"],
        "provider_fallback_from": row["fallback_from"] or next(filter(None, passed_over), None),
        "images": shown,
        "created_by": row["owner_id"],
        "links": links_of(row["request_id"]),
    }

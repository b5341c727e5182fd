"""Try-ons as clients see them, in the words of the second backend."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from services.generation.images.bodies import present as present_picture
from services.generation.requests.views import links_of, progress_of

WORDS = {
    "queued": "queued",
    "processing": "processing",
    "completed": "done",
    "failed": "failed",
    "cancelled": "failed",
}
STATES = {word: [state for state, told in WORDS.items() if told == word] for word in WORDS.values()}
_SAME = (
    "request_id",
    "kind",
    "prompt",
    "code",
    "error_message",
    "retryable",
    "failures",
    "provider",
    "model",
    "cost",
    "created_at",
    "completed_at",
)


def present(
    row: Mapping[str, Any], images: Iterable[Mapping[str, Any]], url: Callable[[str], str]
) -> dict[str, Any]:
    """A row of `generation_requests` with its pictures, as a `TryOnBody`."""
    shown = [_picture(image, url) for image in images]
    person, *garments = row["references"]
    passed_over = (image["provider_fallback_from"] for image in shown)
    return {name: row[name] for name in _SAME} | {
        "job_id": row["request_id"],
        "status": WORDS[row["status"]],
        "progress": progress_of(row),
        "result_url": shown[0]["url"] if shown else None,
        "images": shown,
        "person_url": url(person["key"]),
        "garments": [{"url": url(garment["key"]), "slot": garment["slot"]} for garment in garments],
        "provider_fallback_from": row["fallback_from"] or next(filter(None, passed_over), None),
        "links": links_of(row["request_id"]),
    }


def _picture(row: Mapping[str, Any], url: Callable[[str], str]) -> dict[str, Any]:
    details = row["call"].get("details", {})
    return present_picture(row, url) | {
        "preview": bool(details.get("preview")),
        "confidence": details.get("confidence"),
        "warnings": row["call"].get("warnings", []),
    }

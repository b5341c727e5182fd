"""A picture as clients see it."""

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from libs.common.http import Timestamp


class ImageBody(BaseModel):
    """`url` and those of the smaller `variants`, by their longest side, are good for up to an hour.

    `vector_url` is the same picture as SVG, of one that was drawn.

    `version` is the stream's, for `If-Match`. Some fields are there under the names of earlier clients too.
    """

    id: UUID
    image_id: UUID
    url: str
    vector_url: str | None
    variants: dict[str, str]
    thumbnail_url: str
    product_id: UUID | None
    project_id: UUID | None
    request_id: UUID
    generation_request_id: UUID
    generation_index: int
    kind: str
    filename: str
    s3_key: str
    storage_path: str
    sha256: str
    content_type: str
    mime_type: str
    file_size_bytes: int
    width: int
    height: int
    seed: int
    prompt: str
    aspect_ratio: str
    resolution: str
    specification_id: UUID | None
    specification_version: int | None
    parent_image_id: UUID | None
    provider: str
    model: str
    provider_fallback_from: str | None
    model_response_text: str | None
    favourite: bool
    rating: int | None
    label: str | None
    created_by: UUID
    created_at: Timestamp
    restorable_until: Timestamp | None
    version: int


class ImageDetailBody(ImageBody):
    """`download_url` is saved as a file by a browser; `call` is how it came about."""

    download_url: str
    call: dict[str, Any]


EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


def filename_of(row: Mapping[str, Any]) -> str:
    """Keys are given before anybody knows in which format a picture will come, and all end alike."""
    name = PurePosixPath(row["key"])
    return f"{name.stem}.{EXTENSIONS.get(row['content_type'], name.suffix[1:])}"


def present(row: Mapping[str, Any], url: Callable[[str], str]) -> dict[str, Any]:
    """A row of the gallery as an `ImageBody`."""
    body = {name: row[name] for name in ImageBody.model_fields.keys() & row.keys()}
    variants = {size: url(key) for size, key in row["variant_keys"].items()}
    original = url(row["key"])
    return body | {
        "id": row["image_id"],
        "url": original,
        "vector_url": url(row["vector_key"]) if row["vector_key"] else None,
        "variants": variants,
        "thumbnail_url": variants.get("256", original),
        "generation_request_id": row["request_id"],
        "filename": filename_of(row),
        "s3_key": row["key"],
        "storage_path": row["key"],
        "mime_type": row["content_type"],
        "provider_fallback_from": row["fallback_from"],
        "created_by": row["owner_id"],
    }

"""What clients get of a photo."""

from pydantic import BaseModel

from libs.common.http import Timestamp


class ReferenceBody(BaseModel):
    """A photo of a product. `url` and `variants` (by their longest side in pixels) can be fetched for an hour
    at most; the variants appear a moment after the upload.
    """

    id: str
    product_id: str
    s3_key: str
    storage_path: str
    sha256: str
    content_type: str
    mime_type: str
    original_filename: str
    filename: str
    file_size_bytes: int
    width: int
    height: int
    is_primary: bool
    display_order: int
    alt_text: str | None
    upload_status: str
    uploaded_by: str
    uploaded_at: Timestamp
    created_at: Timestamp
    url: str
    variants: dict[str, str]


class ReferencesBody(BaseModel):
    """All photos of a product, the primary one first."""

    items: list[ReferenceBody]
    total: int

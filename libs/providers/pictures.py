"""A picture that came over the wire: decoded, measured and marked before anybody believes it."""

import asyncio
from collections.abc import Mapping
from typing import Any

from libs.common.errors import DomainError, Invalid
from libs.imaging import metadata
from libs.imaging.decode import check_pixels, has_transparency, inspect
from libs.imaging.metadata import DigitalSource, Mark
from libs.providers.base import ImageOut
from libs.providers.errors import ErrorCode, ProviderError


async def accept(
    data: bytes,
    source: DigitalSource,
    record: Mapping[str, Any],
    seed: int | None = None,
    *,
    transparent: bool = False,
) -> ImageOut:
    """The picture with its origin written into the file; `record` has `provider` and `model`. Works in a thread.

    Raises `ProviderError` (bad response) for anything but a whole JPEG, PNG or WebP within our limits, and for an
    opaque one where a transparent one was asked for.
    """

    def look() -> ImageOut:
        info = inspect(data)
        check_pixels(data)
        if transparent and not has_transparency(data):
            raise Invalid("it is not transparent", code="image_opaque")
        marked = metadata.embed(data, Mark(source, {**record, "seed": seed}))
        return ImageOut(marked, info.mime, info.width, info.height, seed)

    try:
        return await asyncio.to_thread(look)
    except DomainError as error:
        provider = str(record["provider"])
        text = f"the picture is unusable: {error.detail}"
        raise ProviderError(ErrorCode.BAD_RESPONSE, text, provider, reason=error.code) from error

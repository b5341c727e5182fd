"""Pictures over the wire: what we send is upright and bare, what comes back is decoded before anybody believes it."""

import asyncio
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from libs.common.contracts.analysis import PinnedReference
from libs.common.errors import Conflict, DomainError, Invalid
from libs.common.objects import ObjectStore
from libs.imaging import metadata
from libs.imaging.decode import ImageInfo, check_pixels, inspect, opacity, open_rgb
from libs.imaging.metadata import DigitalSource, Mark
from libs.providers.base import ImageBlob, ImageOut
from libs.providers.errors import ErrorCode, ProviderError
from libs.providers.record import Usage

LONGEST_SIDE = 2048
"""In pixels, of a picture that is sent: models look at no more."""
QUALITY = 92
MOST_APART = 1.05
"""How far proportions may be apart: models make sides of whole steps of pixels."""
FEWEST = 0.5
"""Of the pixels that were asked for."""


async def load(objects: ObjectStore, pinned: PinnedReference) -> ImageBlob:
    """A job's photo. Raises NotFound, and Conflict (reference_changed) for anything but the bytes that were pinned."""
    data, info = await objects.read(pinned.key, inspect)
    if info.sha256 != pinned.sha256:
        text = f"photo {pinned.reference_id} is not the one that was pinned"
        raise Conflict(text, code="reference_changed")
    return ImageBlob(data, info.mime, info.width, info.height, bare=info.bare)


async def to_send(blobs: Sequence[ImageBlob]) -> list[ImageBlob]:
    """Upright, at most `LONGEST_SIDE`, without the place and the camera that a photo may tell."""
    if all(blob.bare and _fits(blob) for blob in blobs):
        return list(blobs)
    return await asyncio.to_thread(lambda: [_bare(blob) for blob in blobs])


def _fits(blob: ImageBlob) -> bool:
    return max(blob.width, blob.height) <= LONGEST_SIDE


def _bare(blob: ImageBlob) -> ImageBlob:
    """The same bytes if there is nothing to take away."""
    if _fits(blob) and (blob.bare or inspect(blob.data).bare):
        return blob
    picture = open_rgb(blob.data, longest_side=LONGEST_SIDE, keep_alpha=True)
    kind = "PNG" if picture.mode == "RGBA" else "JPEG"
    encoded = io.BytesIO()
    picture.save(encoded, kind, quality=QUALITY, compress_level=1)
    width, height = picture.size
    return replace(blob, data=encoded.getvalue(), mime=f"image/{kind.lower()}", width=width, height=height)


async def accept(
    data: bytes,
    source: DigitalSource,
    record: Mapping[str, Any],
    seed: int | None = None,
    *,
    transparent: bool = False,
    request_id: str | None = None,
    usage: Usage | None = None,
) -> ImageOut:
    """The picture with its origin written into the file; `record` has `provider` and `model`. Works in a thread.

    Raises `ProviderError` (bad response), with the call's `request_id` and what it used, for anything but a whole and
    still JPEG, PNG or WebP within our limits, for one in which nothing is to be seen, and for an opaque one where a
    transparent one was asked for.
    """

    def look() -> ImageOut:
        info = _checked(data, transparent)
        marked = metadata.embed(data, Mark(source, {**record, "seed": seed}))
        digest = hashlib.sha256(marked).hexdigest()
        return ImageOut(marked, info.mime, info.width, info.height, digest, source, seed)

    try:
        return await asyncio.to_thread(look)
    except DomainError as error:
        provider = str(record["provider"])
        text = f"the picture is unusable: {error.detail}"
        raise ProviderError(
            ErrorCode.BAD_RESPONSE,
            text,
            provider,
            request_id=request_id,
            reason=error.code,
            usage=usage,
        ) from error


def unlike(picture: ImageOut, asked: tuple[float, float], told: str) -> tuple[str, ...]:
    """For the call's warnings, if the picture has other proportions than those in `asked`, or far fewer pixels.

    `told` is what was asked for in words.
    """
    share = (picture.width * asked[1]) / (picture.height * asked[0])
    other = max(share, 1 / share) > MOST_APART
    if other or picture.width * picture.height < FEWEST * asked[0] * asked[1]:
        return (f"asked for {told}, got {picture.width} x {picture.height}",)
    return ()


def _checked(data: bytes, transparent: bool) -> ImageInfo:
    """Raises DomainError for what `accept` does not take."""
    info = inspect(data)
    check_pixels(data)
    if info.animated:
        raise Invalid("it moves", code="image_animated")
    least, most = opacity(data)
    if most == 0:
        raise Invalid("it is wholly transparent", code="image_empty")
    if transparent and least == 255:
        raise Invalid("it is not transparent", code="image_opaque")
    return info

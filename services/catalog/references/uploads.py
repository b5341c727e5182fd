"""Receiving photos: looked at before anything is kept, kept before anything is told, else removed."""

import asyncio
import logging
import re
import unicodedata
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from fastapi import UploadFile
from uuid_utils.compat import uuid7

from libs.common.errors import DomainError, Invalid, TooLarge
from libs.common.http import MEGABYTE
from libs.common.objects import ObjectStore
from libs.imaging.decode import ImageInfo, check_pixels, inspect
from services.catalog.references.domain import Photo

log = logging.getLogger(__name__)

MAX_FILES = 10
_NAME_LENGTH = 100
# A small file may hold 80 megapixels: with one thread only one such picture is in memory at a time.
_DECODER = ThreadPoolExecutor(1, thread_name_prefix="decoder")


async def look_at(
    files: Sequence[UploadFile], owner_id: UUID, product_id: UUID, max_bytes: int
) -> list[Photo]:
    """The files as photos that may be kept.

    If one is refused all are: raises the first one's refusal, with an entry in `errors` for each.
    """
    if not 1 <= len(files) <= MAX_FILES:
        raise Invalid(f"send 1 to {MAX_FILES} files in the field files[]", code="number_of_files")
    photos: list[Photo] = []
    refusals: list[DomainError] = []
    errors: list[dict[str, Any]] = []
    for index, file in enumerate(files):
        try:
            photos.append(await _photo(file, owner_id, product_id, max_bytes))
        except DomainError as refusal:
            refusals.append(refusal)
            message = f"{_shown_name(file)}: {refusal.detail}"
            errors.append({"loc": ["body", "files[]", index], "msg": message, "type": refusal.code})
    if refusals:
        raise type(refusals[0])(errors[0]["msg"], code=refusals[0].code, errors=errors)
    return photos


async def _photo(file: UploadFile, owner_id: UUID, product_id: UUID, max_bytes: int) -> Photo:
    if (file.size or 0) > max_bytes:
        raise TooLarge(f"the file is larger than {max_bytes / MEGABYTE:g} MB", code="file_too_large")
    info = await asyncio.get_running_loop().run_in_executor(_DECODER, _examine, await file.read())
    reference_id = uuid7()
    name = f"{_safe_stem(_shown_name(file))}.{info.extension}"
    return Photo(
        reference_id=reference_id,
        key=f"products/{owner_id}/{product_id}/{reference_id.hex}_{name}",
        sha256=info.sha256,
        content_type=info.mime,
        original_filename=_shown_name(file),
        file_size_bytes=info.byte_size,
        width=info.width,
        height=info.height,
    )


def _examine(data: bytes) -> ImageInfo:
    info = inspect(data)
    check_pixels(data)
    return info


def _shown_name(file: UploadFile) -> str:
    """The name without a path or anything that does not print."""
    name = re.split(r"[/\\]", file.filename or "")[-1]
    return "".join(character for character in name if character.isprintable())[-255:] or "photo"


def _safe_stem(name: str) -> str:
    """For a key: what every file system and URL takes as it is."""
    plain = unicodedata.normalize("NFKD", PurePosixPath(name).stem).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_-]+", "-", plain).strip("-")[:_NAME_LENGTH] or "photo"


@asynccontextmanager
async def kept(
    objects: ObjectStore, files: Sequence[UploadFile], photos: Sequence[Photo]
) -> AsyncIterator[None]:
    """The files lie in the object store inside the block, and stay there unless it fails.

    One after another, so that a request holds one file in memory at a time.
    """
    put: list[str] = []
    try:
        for file, photo in zip(files, photos, strict=True):
            await file.seek(0)
            put.append(photo.key)
            await objects.put(photo.key, await file.read(), photo.content_type)
        yield
    except BaseException:
        await _remove(objects, put)
        raise


async def _remove(objects: ObjectStore, keys: Sequence[str]) -> None:
    for key in keys:
        try:
            await objects.delete(key)
        except DomainError as error:
            log.warning("an object nobody refers to is left: %s (%s)", key, error.detail)

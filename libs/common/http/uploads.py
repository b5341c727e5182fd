"""Receiving pictures: looked at before anything is kept, kept before anything is told, else removed."""

import asyncio
import logging
import re
import unicodedata
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from fastapi import UploadFile
from uuid_utils.compat import uuid7

from libs.common.errors import DomainError, Invalid, TooLarge
from libs.common.http.routes import MEGABYTE
from libs.common.objects import ObjectStore
from libs.imaging.decode import ImageInfo, check_pixels, inspect

log = logging.getLogger(__name__)

_NAME_LENGTH = 100
# A small file may hold 80 megapixels: with one thread only one such picture is in memory at a time.
_DECODER = ThreadPoolExecutor(1, thread_name_prefix="decoder")


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture that may be kept at `key`."""

    file: UploadFile
    id: UUID
    key: str
    original_filename: str
    info: ImageInfo

    def facts(self) -> dict[str, Any]:
        """As events tell of it, beside its id."""
        return {
            "key": self.key,
            "sha256": self.info.sha256,
            "content_type": self.info.mime,
            "original_filename": self.original_filename,
            "file_size_bytes": self.info.byte_size,
            "width": self.info.width,
            "height": self.info.height,
        }


async def look_at(
    files: Sequence[UploadFile], folder: str, max_bytes: int, *, field: str, least: int, most: int
) -> list[Upload]:
    """The files as pictures that may be kept below `folder`.

    If one is refused all are: raises the first one's refusal, with an entry in `errors` for each.
    """
    if not least <= len(files) <= most:
        raise Invalid(f"send {least} to {most} files in the field {field}", code="number_of_files")
    uploads: list[Upload] = []
    refusals: list[DomainError] = []
    errors: list[dict[str, Any]] = []
    for index, file in enumerate(files):
        try:
            uploads.append(await _upload(file, folder, max_bytes))
        except DomainError as refusal:
            refusals.append(refusal)
            message = f"{_shown_name(file)}: {refusal.detail}"
            errors.append({"loc": ["body", field, index], "msg": message, "type": refusal.code})
    if refusals:
        raise type(refusals[0])(errors[0]["msg"], code=refusals[0].code, errors=errors)
    return uploads


async def _upload(file: UploadFile, folder: str, max_bytes: int) -> Upload:
    if (file.size or 0) > max_bytes:
        raise TooLarge(f"the file is larger than {max_bytes / MEGABYTE:g} MB", code="file_too_large")
    info = await asyncio.get_running_loop().run_in_executor(_DECODER, _examine, await file.read())
    upload_id, shown = uuid7(), _shown_name(file)
    return Upload(
        file, upload_id, f"{folder}/{upload_id.hex}_{_safe_stem(shown)}.{info.extension}", shown, info
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
async def kept(objects: ObjectStore, uploads: Sequence[Upload]) -> AsyncIterator[None]:
    """The files lie in the object store inside the block, and stay there unless it fails.

    One after another, so that a request holds one file in memory at a time.
    """
    put: list[str] = []
    try:
        for upload in uploads:
            await upload.file.seek(0)
            put.append(upload.key)
            await objects.put(upload.key, await upload.file.read(), upload.info.mime)
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

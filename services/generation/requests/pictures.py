"""A picture that a provider has made and checked, or one that a dead worker has left: described with its origin."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from libs.common.contracts.generation import GenerationRequested
from libs.common.errors import DomainError
from libs.imaging import metadata
from libs.imaging.decode import inspect
from libs.imaging.metadata import Mark
from libs.providers.base import ImageOut, ImageResult
from libs.providers.errors import ErrorCode, ProviderError


def facts_of(image: ImageOut) -> dict[str, Any]:
    return {
        "sha256": image.sha256,
        "content_type": image.mime,
        "file_size_bytes": len(image.data),
        "width": image.width,
        "height": image.height,
    }


async def reread(data: bytes, provider: str) -> tuple[ImageOut, Mark | None]:
    """A stored picture, and what it says of its origin. In a thread.

    Raises ProviderError (bad response) for what is no picture of a kind we take.
    """

    def look() -> tuple[ImageOut, Mark | None]:
        info, mark = inspect(data), metadata.read(data)
        source = mark.source if mark else None
        return ImageOut(data, info.mime, info.width, info.height, info.sha256, source), mark

    try:
        return await asyncio.to_thread(look)
    except DomainError as error:
        text = f"the picture is unusable: {error.detail}"
        raise ProviderError(ErrorCode.BAD_RESPONSE, text, provider) from error


def origin_as_told(
    result: ImageResult, attempt: int, asked_in_vain: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """How a picture came about, from the provider's answer in this attempt of the job and what was before."""
    call, record = result.call, result.call.record()
    return {
        "provider": call.provider,
        "model": call.model,
        "model_response_text": result.text,
        "call": {
            **record,
            "attempts": attempt,
            "failed_attempts": [*asked_in_vain, *record["failed_attempts"]],
            "details": dict(result.details),
            "digital_source": result.image.source,
        },
    }


def origin_as_marked(
    request: GenerationRequested, mark: Mark | None, asked_in_vain: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """How a picture came about that is there without its provider's answer: the worker died in between."""
    record = mark.record if mark else {}
    first = request.provider or next((one["provider"] for one in asked_in_vain), None)
    return {
        "provider": record.get("provider") or first,
        "model": record.get("model") or request.model,
        "call": {
            "warnings": ["the provider's answer was lost with the worker that got it"],
            "details": dict(record),
            "digital_source": mark.source if mark else None,
            "cost": None,  # it was paid, and nobody knows any more how much
            "failed_attempts": [*asked_in_vain],
        },
    }

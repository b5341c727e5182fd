"""A picture that comes from a provider, which has decoded it: looked at once more, and described with its origin."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from libs.common.contracts.generation import GenerationRequested
from libs.common.errors import DomainError
from libs.imaging import metadata
from libs.imaging.decode import ImageInfo, inspect
from libs.imaging.metadata import Mark
from libs.providers.base import ImageResult
from libs.providers.errors import ErrorCode, ProviderError
from libs.providers.record import CallInfo


@dataclass(frozen=True, slots=True)
class Examined:
    """A picture within our limits; `mark` is what it says of its origin."""

    info: ImageInfo
    mark: Mark | None

    def as_facts(self) -> dict[str, Any]:
        return {
            "sha256": self.info.sha256,
            "content_type": self.info.mime,
            "file_size_bytes": self.info.byte_size,
            "width": self.info.width,
            "height": self.info.height,
        }


async def examine(data: bytes, provider: str, call: CallInfo | None = None) -> Examined:
    """In a thread. Raises ProviderError (bad response) for what is no picture of a kind we take.

    With the `call` that it came from, which was in vain then.
    """

    def look() -> Examined:
        return Examined(inspect(data), metadata.read(data))

    try:
        return await asyncio.to_thread(look)
    except DomainError as error:
        unusable = ProviderError(ErrorCode.BAD_RESPONSE, f"the picture is unusable: {error.detail}", provider)
        if call:
            unusable.attempts = call.in_vain(unusable.code, unusable.message)
        raise unusable from error


def origin_as_told(
    result: ImageResult, mark: Mark | None, attempt: int, asked_in_vain: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """How a picture came about, from the provider's answer in this attempt of the job and what was before."""
    call, record = result.call, result.call.record()
    return {
        "provider": call.provider,
        "model": call.model,
        "fallback_from": call.fallback_from[0].provider if call.fallback_from else None,
        "model_response_text": result.text,
        "call": {
            **record,
            "attempts": attempt,
            "failed_attempts": [*asked_in_vain, *record["failed_attempts"]],
            "details": dict(result.details),
            "digital_source": mark.source if mark else None,
        },
    }


def origin_as_marked(
    request: GenerationRequested, mark: Mark | None, asked_in_vain: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """How a picture came about that is there without its provider's answer: the worker died in between."""
    record = mark.record if mark else {}
    return {
        "provider": record.get("provider") or request.provider,
        "model": record.get("model") or request.model,
        "call": {
            "warnings": ["the provider's answer was lost with the worker that got it"],
            "details": dict(record),
            "digital_source": mark.source if mark else None,
            "cost": None,  # it was paid, and nobody knows any more how much
            "failed_attempts": [*asked_in_vain],
        },
    }

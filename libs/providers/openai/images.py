"""Pictures made and changed. Needs the SDK.

One picture per request, as everywhere; its answer is read once and decoded by nobody but us.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from openai import AsyncOpenAI

from libs.providers.base import AspectRatio, ImageBlob, Resolution
from libs.providers.errors import ErrorCode, ProviderError
from libs.providers.openai.card import NAME
from libs.providers.openai.errors import translated
from libs.providers.openai.wire import File, post
from libs.providers.record import Usage, counted, counts

AREA = {"1K": 1024 * 1024, "2K": 2048 * 2048, "4K": 3840 * 2160}
"""Pixels of a picture, about."""
STEP = 16
LONGEST, SHORTEST = 3840, 2160
"""The most that the longer and the shorter side may have."""
STEEPEST = 3.0
"""The longer side is at most so many times the shorter one."""


@dataclass(frozen=True, slots=True)
class Order:
    """With `references` it is an edit of them, without a picture out of nothing. `size` in pixels."""

    model: str
    prompt: str
    size: tuple[int, int]
    references: Sequence[ImageBlob] = ()
    background: Literal["transparent", "opaque", "auto"] = "auto"
    quality: Literal["medium", "high"] = "medium"


@dataclass(frozen=True, slots=True)
class Delivery:
    data: bytes
    usage: Usage
    request_id: str | None


def size_for(aspect_ratio: AspectRatio, resolution: Resolution) -> tuple[int, int]:
    width, height = map(int, aspect_ratio.split(":"))
    return size_like(width, height, resolution)


def size_like(width: float, height: float, resolution: Resolution) -> tuple[int, int]:
    """In these proportions, as far as the service makes such pictures."""
    ratio = min(STEEPEST, max(1 / STEEPEST, width / height))
    wide = (AREA[resolution] * ratio) ** 0.5
    high = wide / ratio
    fit = min(1.0, LONGEST / max(wide, high), SHORTEST / min(wide, high))
    return _stepped(wide * fit), _stepped(high * fit)


def _stepped(side: float) -> int:
    return max(STEP, int(side / STEP + 0.5) * STEP)


async def order(client: AsyncOpenAI, wanted: Order) -> Delivery:
    """Raises ProviderError (no image, bad response) and whatever the SDK raises."""
    common: dict[str, Any] = {
        "model": wanted.model,
        "prompt": wanted.prompt,
        "size": f"{wanted.size[0]}x{wanted.size[1]}",
        "background": wanted.background,
        "quality": wanted.quality,
        "output_format": "png",
        "n": 1,
    }
    files = [("image[]", _file(number, blob)) for number, blob in enumerate(wanted.references)]
    answer = await post(client, "/images/edits" if files else "/images/generations", common, files)
    body = answer.body
    encoded = next((one["b64_json"] for one in body.get("data") or () if one.get("b64_json")), None)
    if encoded is None:
        raise ProviderError(
            ErrorCode.NO_IMAGE,
            "OpenAI answered without a picture",
            NAME,
            request_id=answer.request_id,
            usage=_usage(body),
        )
    usage = _usage(body)
    with translated(answer.request_id, usage):
        return Delivery(base64.b64decode(encoded, validate=True), usage, answer.request_id)


def _file(number: int, blob: ImageBlob) -> File:
    return f"{number}-{blob.role}.{blob.mime.removeprefix('image/')}", blob.data, blob.mime


def _usage(body: dict[str, Any]) -> Usage:
    usage = body.get("usage") or {}
    made = counted(usage.get("output_tokens"))
    seen = (usage.get("input_tokens_details") or {}).get("image_tokens")
    painted = (usage.get("output_tokens_details") or {}).get("image_tokens", made)
    return Usage(
        counted(usage.get("input_tokens")),
        made,
        counted(usage.get("total_tokens")),
        image_input_tokens=counted(seen) or 0,
        image_output_tokens=counted(painted) or 0,
        details=counts(usage),
    )

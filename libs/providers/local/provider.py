"""`LocalProvider`: hands the work to child processes and dresses their answers as a provider's."""

import os
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from libs.common.errors import DomainError
from libs.providers.base import (
    ASPECT_RATIOS,
    RESOLUTIONS,
    Analysis,
    CallInfo,
    Capability,
    ErrorCode,
    Hints,
    ImageBlob,
    ImageOut,
    ImageRequest,
    ImageResult,
    ProviderError,
)
from libs.providers.local.pool import ChildPool, PoolBroken
from libs.providers.specification import Defect, ProductSpec

NAME = "local"
MODEL = "classical/1"
CAPABILITIES = frozenset(
    {Capability.DESCRIBE, Capability.DEFECTS, Capability.GENERATE, Capability.REMOVE_BACKGROUND}
)
LIMITS = {
    "aspect_ratios": ASPECT_RATIOS,
    "resolutions": RESOLUTIONS,
    "references": 1,
    "min_side_px": 64,
    "seed": "same seed, same pixels",
}
MAX_PROCESSES = 4

T = TypeVar("T")


class LocalProvider:
    """Needs no key and no network, and is deterministic: it measures and composes, it recognises nothing."""

    name = NAME
    capabilities = CAPABILITIES

    def __init__(self, processes: int | None = None) -> None:
        self._pool = ChildPool(
            "libs.providers.local.tasks", processes or min(MAX_PROCESSES, os.cpu_count() or 1)
        )

    async def describe(self, images: Sequence[ImageBlob], hints: Hints) -> Analysis[ProductSpec]:
        from libs.providers.local import tasks

"""`LocalProvider`: hands the work to child processes and dresses their answers as a provider's."""

import logging
import os
import time
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

from libs.common.errors import DomainError
from libs.providers.base import (
    ASPECT_RATIOS,
    RESOLUTIONS,
    Analysis,
    Brief,
    Capability,
    Hints,
    ImageBlob,
    ImageRequest,
    ImageResult,
)
from libs.providers.errors import ErrorCode, ProviderError
from libs.providers.local.pool import ChildDied, ChildPool, TaskFailed
from libs.providers.local.results import Made, Measured
from libs.providers.local.suggestions import suggest
from libs.providers.record import CallInfo
from libs.providers.references import subject_of
from libs.providers.specification import Attribute, Defect, ProductSpec

log = logging.getLogger(__name__)

NAME = "local"
MODEL = "classical/1"
CAPABILITIES = frozenset(
    {
        Capability.DESCRIBE,
        Capability.ATTRIBUTES,
        Capability.DEFECTS,
        Capability.PROMPTS,
        Capability.GENERATE,
        Capability.EDIT,
        Capability.TRY_ON,
        Capability.REMOVE_BACKGROUND,
    }
)
LIMITS = {"aspect_ratios": ASPECT_RATIOS, "resolutions": RESOLUTIONS, "references": 1, "min_side_px": 64}
MAX_PROCESSES = 4
LARGE_PX = 2048
VAST_PX = 16_000_000
NOT_WRITTEN = "put together from the brief's known words and what this provider can make, not written"


class LocalProvider:
    """Needs no key and no network and is deterministic. It measures and composes; it recognises nothing."""

    name = NAME

    def __init__(self, processes: int | None = None) -> None:
        self._pool = ChildPool(processes or min(MAX_PROCESSES, os.cpu_count() or 1))

    async def describe(
        self, images: Sequence[ImageBlob], hints: Hints, model: str = MODEL
    ) -> Analysis[ProductSpec]:
        if not images:
            raise _invalid("a specification needs at least one photo")
        started = time.perf_counter()
        photos = [image.data for image in images]
        measured: Measured = await self._run("describe", photos, hints, heavy=any(map(_vast, images)))
        return Analysis(ProductSpec.model_validate(measured.value), _call(started, measured))

    async def classify(
        self, image: ImageBlob, labels: Sequence[str], model: str = MODEL
    ) -> Analysis[dict[str, float]]:
        raise _unsupported("the local provider recognises no objects")

    async def attributes(
        self, image: ImageBlob, names: Sequence[str], model: str = MODEL
    ) -> Analysis[tuple[Attribute, ...]]:
        """Colours, outline, texture and finish; the rest is unknown to whoever only measures."""
        started = time.perf_counter()
        measured: Measured = await self._run("attributes", image.data, list(names))
        found = tuple(Attribute.model_validate(attribute) for attribute in measured.value)
        return Analysis(found, _call(started, measured))

    async def prompts(self, brief: Brief, count: int, model: str = MODEL) -> Analysis[tuple[str, ...]]:
        started = time.perf_counter()
        if brief.purpose == "logo":
            told: tuple[str, ...] = await self._run("directions", _named(brief), count)
        else:
            told = suggest(brief, count)
        return Analysis(told, _call(started, Measured(told, {}, (NOT_WRITTEN,))))

    async def defects(self, image: ImageBlob, model: str = MODEL) -> Analysis[tuple[Defect, ...]]:
        started = time.perf_counter()
        measured: Measured = await self._run("defects", image.data)
        found = tuple(Defect.model_validate(defect) for defect in measured.value)
        return Analysis(found, _call(started, measured))

    async def generate(self, request: ImageRequest, model: str = MODEL) -> ImageResult:
        if request.brief:
            return await self._make("draw_logo", request, _named(request.brief))
        if not request.references:
            raise _invalid("the local provider needs a product photo: it composes, it does not invent")
        primary = replace(request, references=request.references[:1])  # the one that is composed
        return await self._make("generate", primary)

    async def edit(self, request: ImageRequest, model: str = MODEL) -> ImageResult:
        """Of logos that it drew itself: their design changes, everything else is beyond it."""
        return await self._make("change_logo", request)

    async def try_on(self, request: ImageRequest, model: str = MODEL) -> ImageResult:
        """A placement preview of tops, by geometry; it says so, and how little it can be trusted."""
        return await self._make("try_on", request)

    async def remove_background(self, request: ImageRequest, model: str = MODEL) -> ImageResult:
        """At the photo's own size, whatever is asked for."""
        return await self._make("remove_background", request, heavy=_large(subject_of(request, NAME)))

    async def _make(
        self, function: str, request: ImageRequest, *args: Any, heavy: bool | None = None
    ) -> ImageResult:
        started = time.perf_counter()
        # of each request in turns, or one job's pictures would outlast the next one's time
        asker = request.provenance.get("request_id")
        heavy = _heavy(request) if heavy is None else heavy
        made: Made = await self._run(function, request, *args, heavy=heavy, asker=asker)
        return ImageResult(made.image, _call(started, made), made.details, vector=made.vector)

    async def aclose(self) -> None:
        await self._pool.aclose()

    async def _run(self, function: str, *args: Any, heavy: bool = False, asker: Hashable = None) -> Any:
        try:
            return await self._pool.run(function, *args, heavy=heavy, asker=asker)
        except ChildDied as error:
            raise ProviderError(ErrorCode.UNAVAILABLE, str(error), NAME) from error
        except DomainError as error:
            raise ProviderError(ErrorCode.INVALID, error.detail, NAME, reason=error.code) from error
        except TaskFailed as error:
            log.error(
                "a task of the local provider failed", extra={"task": function, "trace": error.traceback}
            )
            raise ProviderError(ErrorCode.BAD_RESPONSE, error.summary, NAME) from error


def _named(brief: Brief) -> Brief:
    """Raises ProviderError (invalid request) for a brand without a name."""
    if not (brief.brand_name or "").strip():
        raise _invalid("a logo needs the brand's name")
    return brief


def _heavy(request: ImageRequest) -> bool:
    large = request.resolution == "2K" and any(map(_large, request.references))
    return large or request.resolution == "4K" or any(map(_vast, request.references))


def _large(photo: ImageBlob) -> bool:
    """Whether it takes hundreds of megabytes to work on it at its own size."""
    return max(photo.width, photo.height) > LARGE_PX


def _vast(photo: ImageBlob) -> bool:
    """Whether even its decoding takes hundreds of megabytes: only the JPEG decoder reduces on its way."""
    return photo.width * photo.height > VAST_PX and photo.mime != "image/jpeg"


def _call(started: float, work: Measured | Made) -> CallInfo:
    latency = (time.perf_counter() - started) * 1000
    return CallInfo(NAME, MODEL, round(latency, 1), warnings=work.warnings, timings=work.timings)


def _unsupported(message: str) -> ProviderError:
    return ProviderError(ErrorCode.UNSUPPORTED, message, NAME)


def _invalid(message: str) -> ProviderError:
    return ProviderError(ErrorCode.INVALID, message, NAME)

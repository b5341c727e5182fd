"""`OpenAIProvider`: every capability over OpenAI's API. Needs the SDK, so it is imported when it is opened."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import httpx2
import openai

from libs.imaging.metadata import DigitalSource
from libs.providers import answers, pictures
from libs.providers.base import Analysis, Brief, Hints, ImageBlob, ImageRequest, ImageResult
from libs.providers.connections import HEADERS, LIMITS, hook
from libs.providers.errors import ErrorCode, ProviderError
from libs.providers.openai import images, vision
from libs.providers.openai.card import MOST_REFERENCES, NAME
from libs.providers.openai.errors import translated
from libs.providers.prompts import background, ideas
from libs.providers.prompts import vision as questions
from libs.providers.record import CallInfo
from libs.providers.references import subject_of
from libs.providers.settings import ProviderSettings
from libs.providers.specification import Attribute, Defect, ProductSpec

BASE_URL = "https://api.openai.com/v1"
"""Said, because the SDK takes an empty variable of the environment for an address."""
CONNECT_SECONDS = 10.0

A = TypeVar("A", bound=answers.Answer)
T = TypeVar("T")


class OpenAIProvider:
    """One client, whose connections are shared by all calls. It never repeats a request: that is the job's to do."""

    name = NAME

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self._spared: dict[str, set[str]] = {}
        seconds = settings.providers_image_seconds
        try:
            self._client = openai.AsyncOpenAI(
                api_key=settings.openai_api_key or "none",  # servers of one's own may want none
                base_url=settings.openai_base_url or BASE_URL,
                timeout=openai.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
                max_retries=0,
                default_headers=HEADERS,
                http_client=openai.DefaultAioHttpClient(
                    limits=LIMITS, event_hooks={"request": [_in_one_piece], "response": [hook]}
                ),
            )
        except openai.OpenAIError as error:
            raise ProviderError(ErrorCode.NOT_CONFIGURED, str(error), NAME) from error

    async def aclose(self) -> None:
        await self._client.close()

    async def describe(self, images: Sequence[ImageBlob], hints: Hints, model: str) -> Analysis[ProductSpec]:
        asked = questions.ROLE, questions.describe(hints)
        return await self._ask(
            answers.SpecificationAnswer, lambda told: told.specification(NAME), *asked, images, model
        )

    async def classify(
        self, image: ImageBlob, labels: Sequence[str], model: str
    ) -> Analysis[dict[str, float]]:
        asked = questions.ROLE, questions.classify(labels)
        return await self._ask(
            answers.ClassificationAnswer, lambda told: told.scores(tuple(labels)), *asked, [image], model
        )

    async def attributes(
        self, image: ImageBlob, names: Sequence[str], model: str
    ) -> Analysis[tuple[Attribute, ...]]:
        asked = questions.ROLE, questions.attributes(names)
        return await self._ask(
            answers.AttributesAnswer, lambda told: told.told(tuple(names)), *asked, [image], model
        )

    async def defects(self, image: ImageBlob, model: str) -> Analysis[tuple[Defect, ...]]:
        asked = questions.ROLE, questions.DEFECTS
        return await self._ask(answers.DefectsAnswer, answers.DefectsAnswer.found, *asked, [image], model)

    async def prompts(self, brief: Brief, count: int, model: str) -> Analysis[tuple[str, ...]]:
        asked = ideas.ROLE, ideas.ideas(brief, count)
        return await self._ask(
            answers.PromptsAnswer, lambda told: told.first(count), *asked, brief.references, model
        )

    async def generate(self, request: ImageRequest, model: str) -> ImageResult:
        size = images.size_for(request.aspect_ratio, request.resolution)
        return await self._make(request, request.references, size, DigitalSource.GENERATED, model)

    async def edit(self, request: ImageRequest, model: str) -> ImageResult:
        return await self._change(request, model)

    async def try_on(self, request: ImageRequest, model: str) -> ImageResult:
        return await self._change(request, model)

    async def _change(self, request: ImageRequest, model: str) -> ImageResult:
        """The first of the pictures, in its own proportions."""
        subject = subject_of(request, NAME)
        size = images.size_like(subject.width, subject.height, request.resolution)
        return await self._make(request, request.references, size, DigitalSource.EDITED_BY_MODEL, model)

    async def remove_background(self, request: ImageRequest, model: str) -> ImageResult:
        image = subject_of(request, NAME)
        request = replace(request, prompt=background.REMOVE, transparent=True)
        size = images.size_like(image.width, image.height, request.resolution)
        return await self._make(request, [image], size, DigitalSource.EDITED_BY_MODEL, model)

    async def _ask(
        self,
        form: type[A],
        read: Callable[[A], T],
        role: str,
        text: str,
        images: Sequence[ImageBlob],
        model: str,
    ) -> Analysis[T]:
        """`read` takes from the filled form what was asked for; its ValueError is a bad response."""
        started = time.perf_counter()
        shown = await pictures.to_send(images[:MOST_REFERENCES])
        question = vision.Question(role, text, shown, form, model)
        with translated():
            reply = await vision.ask(self._client, self._settings.openai_api_style, question, self._spared)
        with translated(reply.request_id, reply.usage):
            value = read(form.model_validate_json(reply.text))
        call = CallInfo(
            NAME,
            reply.model,
            _since(started),
            reply.request_id,
            reply.usage,
            reply.finish_reason,
            warnings=_left_out(images),
        )
        return Analysis(value, call)

    async def _make(
        self,
        request: ImageRequest,
        references: Sequence[ImageBlob],
        size: tuple[int, int],
        source: DigitalSource,
        model: str,
    ) -> ImageResult:
        started = time.perf_counter()
        order = images.Order(
            model,
            request.prompt,
            size,
            await pictures.to_send(references[:MOST_REFERENCES]),
            "transparent" if request.transparent else "auto",
            "high" if model == self._settings.openai_image_model_quality else "medium",
        )
        with translated():
            delivery = await images.order(self._client, order)
        record = {"provider": NAME, "model": model, **request.provenance, "prompt": request.prompt}
        out = await pictures.accept(
            delivery.data,
            source,
            record,
            transparent=request.transparent,
            request_id=delivery.request_id,
            usage=delivery.usage,
        )
        call = CallInfo(
            NAME,
            model,
            _since(started),
            delivery.request_id,
            delivery.usage,
            warnings=(
                "the seed has no effect: OpenAI's models take none",
                *_left_out(references),
                *pictures.unlike(out, size, f"{size[0]} x {size[1]}"),
            ),
        )
        return ImageResult(out, call, {"asked_for_px": list(size), "quality": order.quality})


async def _in_one_piece(request: httpx2.Request) -> None:
    """A form is otherwise written field by field, which takes ten times as long."""
    await request.aread()


def _since(started: float) -> float:
    """Milliseconds."""
    return round((time.perf_counter() - started) * 1000, 1)


def _left_out(blobs: Sequence[ImageBlob]) -> tuple[str, ...]:
    extra = len(blobs) - MOST_REFERENCES
    return (f"{extra} pictures were left out: OpenAI takes {MOST_REFERENCES}",) if extra > 0 else ()

"""`GeminiProvider`: one request to the API per answer and per picture, without retries of its own."""

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from google import genai
from google.genai import types

from libs.imaging.metadata import DigitalSource
from libs.providers import pictures
from libs.providers.answers import (
    Answer,
    AttributesAnswer,
    ClassificationAnswer,
    DefectsAnswer,
    PromptsAnswer,
    SpecificationAnswer,
    schema_of,
)
from libs.providers.base import (
    Analysis,
    AspectRatio,
    Brief,
    Hints,
    ImageBlob,
    ImageRequest,
    ImageResult,
    Resolution,
)
from libs.providers.connections import session
from libs.providers.errors import ErrorCode, ProviderError, named
from libs.providers.gemini import replies
from libs.providers.gemini.card import MOST_REFERENCES, NAME
from libs.providers.gemini.failures import RAISED, failure
from libs.providers.prompts import ideas, vision
from libs.providers.record import CallInfo
from libs.providers.references import subject_of
from libs.providers.settings import ProviderSettings
from libs.providers.specification import Attribute, Defect, ProductSpec

# It would print, and keep for ever, every word that it does not know, however long.
warnings.filterwarnings("ignore", "(?s).* is not a valid", UserWarning, r"google\.genai\._common")

A = TypeVar("A", bound=Answer)
T = TypeVar("T")


class Quick:
    """For the SDK, which asks with `in` for every field it knows: Pydantic would go through all of them, in vain."""

    def __contains__(self, name: object) -> bool:
        return False


class Config(Quick, types.GenerateContentConfig):
    pass


class Part(Quick, types.Part):
    pass


@dataclass(frozen=True, slots=True)
class Question:
    """`role` is what the model is told to be."""

    role: str
    text: str
    images: Sequence[ImageBlob]


class GeminiProvider:
    """Reads photos, writes prompts and makes pictures. It makes no transparency."""

    name = NAME

    def __init__(self, settings: ProviderSettings) -> None:
        """On the running loop. Raises ProviderError (not_configured) without a key."""
        self._settings = settings
        seconds = max(settings.providers_vision_seconds, settings.providers_image_seconds)
        self._session = session()
        options = types.HttpOptions(
            base_url=settings.gemini_base_url,
            timeout=round(seconds * 1000),  # it would wait for ever; the chain's deadline comes first
            # Without, it repeats what broke off, which is paid twice; repeating is the job's.
            retry_options=types.HttpRetryOptions(attempts=1),
            aiohttp_client=self._session,
        )
        try:  # `vertexai` would otherwise be read from the environment
            self._client = genai.Client(vertexai=False, api_key=settings.gemini_api_key, http_options=options)
        except ValueError as error:
            self._session.detach()
            raise ProviderError(ErrorCode.NOT_CONFIGURED, str(error), NAME) from error

    async def aclose(self) -> None:
        await self._client.aio.aclose()
        await self._session.close()
        self._client.close()

    async def describe(self, images: Sequence[ImageBlob], hints: Hints, model: str) -> Analysis[ProductSpec]:
        question = Question(vision.ROLE, vision.describe(hints), images)
        return await self._answer(question, model, SpecificationAnswer, lambda told: told.specification(NAME))

    async def classify(
        self, image: ImageBlob, labels: Sequence[str], model: str
    ) -> Analysis[dict[str, float]]:
        question = Question(vision.ROLE, vision.classify(labels), [image])
        return await self._answer(
            question, model, ClassificationAnswer, lambda told: told.scores(tuple(labels))
        )

    async def attributes(
        self, image: ImageBlob, names: Sequence[str], model: str
    ) -> Analysis[tuple[Attribute, ...]]:
        question = Question(vision.ROLE, vision.attributes(names), [image])
        return await self._answer(question, model, AttributesAnswer, lambda told: told.told(tuple(names)))

    async def defects(self, image: ImageBlob, model: str) -> Analysis[tuple[Defect, ...]]:
        question = Question(vision.ROLE, vision.DEFECTS, [image])
        return await self._answer(question, model, DefectsAnswer, DefectsAnswer.found)

    async def prompts(self, brief: Brief, count: int, model: str) -> Analysis[tuple[str, ...]]:
        question = Question(ideas.ROLE, ideas.ideas(brief, count), brief.references)
        return await self._answer(question, model, PromptsAnswer, lambda told: told.first(count))

    async def generate(self, request: ImageRequest, model: str) -> ImageResult:
        return await self._picture(request, model, DigitalSource.GENERATED)

    async def edit(self, request: ImageRequest, model: str) -> ImageResult:
        subject_of(request, NAME)
        return await self._picture(request, model, DigitalSource.EDITED_BY_MODEL)

    async def try_on(self, request: ImageRequest, model: str) -> ImageResult:
        return await self._picture(request, model, DigitalSource.EDITED_BY_MODEL)

    async def remove_background(self, request: ImageRequest, model: str) -> ImageResult:
        raise ProviderError(ErrorCode.UNSUPPORTED, "Gemini's pictures have no transparency", NAME)

    async def _answer(
        self, question: Question, model: str, form: type[A], read: Callable[[A], T]
    ) -> Analysis[T]:
        """`read` takes from the filled form what was asked for; its ValueError is a bad response."""
        config = Config(
            system_instruction=question.role,
            response_mime_type="application/json",
            response_json_schema=schema_of(form),
        )
        reply, call = await self._ask(
            model, _parts(await pictures.to_send(question.images), question.text), config
        )
        text = replies.text(reply)
        try:
            return Analysis(read(form.model_validate_json(text)), call)
        except ValueError as error:
            message = "Gemini's answer has not the form that was asked for"
            code = ErrorCode.BAD_RESPONSE
            raise ProviderError(code, message, NAME, request_id=call.request_id, usage=call.usage) from error

    async def _picture(self, request: ImageRequest, model: str, source: DigitalSource) -> ImageResult:
        references = request.references[:MOST_REFERENCES]
        resolution = self._offered(request.resolution, model)
        config = Config(
            response_modalities=["IMAGE"],
            image_config=types.ImageConfig(aspect_ratio=request.aspect_ratio, image_size=resolution),
            seed=request.seed,
        )
        reply, call = await self._ask(
            model, _parts(await pictures.to_send(references), request.prompt), config
        )
        drawn = replies.picture(reply)
        record = {**request.provenance, "provider": NAME, "model": call.model, "prompt": request.prompt}
        image = await pictures.accept(
            drawn, source, record, request.seed, request_id=call.request_id, usage=call.usage
        )
        asked = f"{request.aspect_ratio} at {resolution}"
        unlike = pictures.unlike(image, _size(request.aspect_ratio, resolution), asked)
        warnings = (*_warnings(request, resolution, model), *unlike)
        return ImageResult(image, replace(call, warnings=warnings), text=replies.spoken(reply))

    async def _ask(
        self, model: str, parts: list[types.Part], config: types.GenerateContentConfig
    ) -> tuple[types.GenerateContentResponse, CallInfo]:
        started = time.perf_counter()
        content = types.Content(role="user", parts=parts)
        try:
            reply = await self._client.aio.models.generate_content(
                model=model, contents=content, config=config
            )
        except RAISED as error:
            raise failure(error) from error
        latency = round((time.perf_counter() - started) * 1000, 1)
        return reply, CallInfo(
            provider=NAME,
            model=named(reply.model_version) or model,
            latency_ms=latency,
            request_id=named(reply.response_id),
            usage=replies.usage(reply),
            finish_reason=replies.finish_reason(reply),
        )

    def _offered(self, resolution: Resolution, model: str) -> Resolution:
        """The cheap model makes one size."""
        return "1K" if model == self._settings.gemini_image_model_cheap else resolution


def _parts(images: Sequence[ImageBlob], prompt: str) -> list[types.Part]:
    pictures = [Part.from_bytes(data=image.data, mime_type=image.mime) for image in images]
    return [*pictures, Part.from_text(text=prompt)]


def _size(aspect_ratio: AspectRatio, resolution: Resolution) -> tuple[float, float]:
    """In pixels, about: as many as a square has, whose side the resolution names."""
    width, height = map(int, aspect_ratio.split(":"))
    scale = 1024 * int(resolution.removesuffix("K")) / (width * height) ** 0.5
    return width * scale, height * scale


def _warnings(request: ImageRequest, resolution: Resolution, model: str) -> Sequence[str]:
    found = []
    if resolution != request.resolution:
        found.append(f"{model} makes no {request.resolution} pictures; this one is {resolution}")
    if len(request.references) > MOST_REFERENCES:
        found.append(f"only the first {MOST_REFERENCES} of {len(request.references)} references were used")
    if request.transparent:
        found.append("Gemini makes no transparent pictures; remove the background afterwards")
    return found

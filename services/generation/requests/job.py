"""Makes the pictures of a generation: each is paid for once, checked, stored, and told of once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from libs.common.contracts.generation import GenerationRequested, ImageFailure, PinnedImage
from libs.common.database import Transaction
from libs.common.jobs.engine import MAX_ATTEMPTS
from libs.common.jobs.work import STORE_SECONDS, JobKind, RunningJob
from libs.common.resilience import AWAY, insist
from libs.providers.attempts import Asking, asking
from libs.providers.base import ImageOut, ImageResult
from libs.providers.chain import Providers
from libs.providers.errors import RETRYABLE, ErrorCode, ProviderError
from libs.providers.record import passed_over, spent
from services.generation.images.domain import RecordImage, images
from services.generation.requests.domain import JOB_TYPE, Generation, generations, step_of
from services.generation.requests.material import Material, capability_of, material_of, order
from services.generation.requests.pictures import facts_of, origin_as_marked, origin_as_told, reread

Outcome = RecordImage | ImageFailure | BaseException


class NothingMade(Exception):
    """Not one picture could be made: the reason given is the first that may pass, or else the first."""

    most_attempts = 1
    """Each picture has had its own."""

    def __init__(self, failures: Sequence[ImageFailure]) -> None:
        told = next((failure for failure in failures if failure.code in RETRYABLE), failures[0])
        super().__init__(told.detail)
        self.code, self.retryable = told.code, told.code in RETRYABLE


def generation_job(providers: Providers) -> JobKind[Generation]:
    return JobKind(JOB_TYPE, generations, partial(make_pictures, providers))


async def make_pictures(providers: Providers, job: RunningJob[Generation]) -> dict[str, Any]:
    """All at once; what befalls one picture keeps no other from being made.

    Completes with those that were made, and fails if there are none.
    """
    request = cast(GenerationRequested, job.state.request)
    work = Work(providers, job, request, await material_of(providers, job))
    outcomes = await asyncio.gather(*map(work.make, request.images), return_exceptions=True)
    return _result(request.images, outcomes)


@dataclass(frozen=True, slots=True)
class Work:
    """One job on its pinned inputs."""

    providers: Providers
    job: RunningJob[Generation]
    request: GenerationRequested
    material: Material

    async def make(self, picture: PinnedImage) -> RecordImage | ImageFailure:
        """Raises what another attempt may mend; a failure for good is an outcome like any other."""
        step = step_of(picture)
        answer = await self.job.step(step, partial(self._obtain, picture))
        if "failure" in answer:
            tried = {"failed_attempts": self.job.failed_attempts[step]}
            failure = ImageFailure.model_validate(answer["failure"] | tried)
            await self.job.progress(step, spent(tried), code=failure.code, detail=failure.detail)
            return failure
        record = RecordImage.model_validate(answer["picture"])

        async def tell(tx: Transaction) -> None:
            await tx.handle(images, picture.image_id, record, new=True)

        alone = len(self.request.images) == 1
        await self.job.progress(step, cost=spent(record.call), also=tell, last=alone)
        return record

    async def _obtain(self, picture: PinnedImage) -> dict[str, Any]:
        """What is journaled: the picture's facts, or why there is none. Its bytes are stored by then."""
        objects = self.job.service.objects
        try:
            if self.job.state.job.attempt > 1 and await objects.exists(picture.key):
                return await self._found(picture)  # a worker died after it had put the picture there
            async with asking(self.job, step_of(picture)) as asked:
                result = await self._ask(picture, asked)
                lies_there = await self._put(picture, result)
            if lies_there != result.image.sha256:
                return await self._found(picture)  # another worker, which was taken for dead, came first
        except ProviderError as error:
            if error.retryable and self.job.attempt < (error.most_attempts or MAX_ATTEMPTS):
                raise
            return {"failure": {"index": picture.index, "code": error.code, "detail": error.message}}
        tried = self.job.failed_attempts[step_of(picture)]
        vector_key = drawing_of(picture) if result.vector else None
        origin = origin_as_told(result, self.job.attempt, tried)
        return self._facts(picture, result.image, vector_key, origin)

    async def _ask(self, picture: PinnedImage, asked: Asking) -> ImageResult:
        return await self.providers.make(
            capability_of(self.request),
            order(self.request, picture, self.material, self._provenance(picture)),
            provider=self.request.provider,
            model=self.request.model,
            fallback=self.request.fallback,
            asking=asked,
        )

    async def _put(self, picture: PinnedImage, result: ImageResult) -> str:
        """The sha256 of what is there then. What is paid for already waits for a store that is away.

        In vain, it was no use to ask: the attempt counts, or it would be paid for without end. Where a picture lies,
        its drawing does too.
        """
        put = self.job.service.objects.put
        try:
            if result.vector:
                drawing = drawing_of(picture), result.vector.encode(), "image/svg+xml"
                await insist(partial(put, *drawing), STORE_SECONDS)
            return await insist(
                partial(put, picture.key, result.image.data, result.image.mime), STORE_SECONDS
            )
        except AWAY as error:
            lost = ProviderError(
                ErrorCode.UNAVAILABLE, "the object store did not take the picture", result.call.provider
            )
            lost.attempts = result.call.in_vain(lost.code, lost.message)
            raise lost from error

    async def _found(self, picture: PinnedImage) -> dict[str, Any]:
        objects, vector_key = self.job.service.objects, drawing_of(picture)
        image, mark = await reread(await objects.get(picture.key), self.request.provider or "unknown")
        tried = self.job.failed_attempts[step_of(picture)]
        drawn = self.request.kind != "product_image" and await objects.exists(vector_key)
        origin = origin_as_marked(self.request, mark, tried)
        return self._facts(picture, image, vector_key if drawn else None, origin)

    def _facts(
        self, picture: PinnedImage, image: ImageOut, vector_key: str | None, origin: dict[str, Any]
    ) -> dict[str, Any]:
        shared = self.request.model_dump(
            include={
                "owner_id",
                "product_id",
                "project_id",
                "kind",
                "aspect_ratio",
                "resolution",
                "specification",
            }
        )
        settled = {
            "request_id": self.job.job_id,
            "index": picture.index,
            "seed": picture.seed,
            "key": picture.key,
            "vector_key": vector_key,
            "prompt": self.material.prompts[picture.index - 1],
            "parent_image_id": self.request.parent.image_id if self.request.parent else None,
        }
        in_vain = [attempt["provider"] for attempt in origin["call"]["failed_attempts"]]
        asked = self.request.fallback_from, self.request.provider, *in_vain
        settled["fallback_from"] = passed_over(origin["provider"], *asked)
        record = RecordImage.model_validate(shared | settled | facts_of(image) | origin)
        return {"picture": record.model_dump(mode="json")}

    def _provenance(self, picture: PinnedImage) -> dict[str, Any]:
        """What a picture's file tells of where it comes from."""
        request, specification = self.request, self.request.specification
        subject = "project_id" if request.project_id else "product_id"
        told = {
            "image_id": str(picture.image_id),
            "request_id": str(self.job.job_id),
            subject: str(request.project_id or request.product_id),
            "specification": specification.model_dump(mode="json") if specification else None,
            "references": [photo.sha256 for photo in request.references],
        }
        return told | ({"parent": request.parent.sha256} if request.parent else {})


def drawing_of(picture: PinnedImage) -> str:
    """Where the same picture lies as SVG, if who made it draws."""
    return f"{picture.key.removesuffix('.png')}.svg"


def _result(pictures: Sequence[PinnedImage], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Raises what is worth another attempt, with the longest wait that was told, and NothingMade."""
    made: list[RecordImage] = []
    failures: list[ImageFailure] = []
    again: list[BaseException] = []
    for outcome in outcomes:
        match outcome:
            case RecordImage():
                made.append(outcome)
            case ImageFailure():
                failures.append(outcome)
            case _:
                again.append(outcome)
    if again:
        raise max(again, key=lambda error: getattr(error, "retry_after", None) or 0.0)
    if not made:
        raise NothingMade(failures)
    image_ids = {picture.index: str(picture.image_id) for picture in pictures}
    return {
        "image_ids": [image_ids[record.index] for record in made],
        "failures": [failure.model_dump() for failure in failures],
        "calls": [_call(record) for record in made],
        "provider_fallback_from": next((one.fallback_from for one in made if one.fallback_from), None),
    }


def _call(record: RecordImage) -> dict[str, Any]:
    """Who made a picture, and the record of the call, without what was said about the picture."""
    told = {name: value for name, value in record.call.items() if name != "details"}
    return {"index": record.index, "provider": record.provider, "model": record.model} | told

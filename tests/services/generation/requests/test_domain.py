from uuid import UUID

from libs.common.contracts.generation import (
    GenerationCancelled,
    GenerationCompleted,
    GenerationFailed,
    GenerationRequested,
    GenerationStarted,
    ImageFailure,
    JobFinished,
    JobProgressed,
    JobQueued,
    JobStarted,
    PinnedImage,
    PinnedPhoto,
    PinnedSpecification,
    PromptsWritten,
)
from libs.common.contracts.jobs import FailedAttempt
from libs.common.errors import Conflict
from libs.common.jobs.lifecycle import CancelJob, CompleteJob, FailJob, ReportProgress, StartJob
from services.generation.requests.domain import RequestGeneration, WritePrompts, generations
from tests.spec import Spec

OWNER, PRODUCT = UUID(int=1), UUID(int=2)
INPUTS = {
    "owner_id": OWNER,
    "product_id": PRODUCT,
    "kind": "product_image",
    "prompt": "on snow",
    "final_prompt": "A mug.\n\nScene: on snow",
    "prompt_template": "product-scene/1",
    "aspect_ratio": "1:1",
    "resolution": "1K",
    "images": [PinnedImage(image_id=UUID(int=i), index=i, seed=40 + i, key=f"k{i}.png") for i in (1, 2)],
    "specification": PinnedSpecification(specification_id=UUID(int=3), version=2, sha256="5" * 64),
    "references": [PinnedPhoto(reference_id=UUID(int=4), key="r.png", sha256="7" * 64)],
    "provider": "local",
    "model": "classical/1",
}

spec = Spec(generations)
requested = GenerationRequested.model_validate(INPUTS)
queued = JobQueued(owner_id=OWNER, job_type="generation", title="Mug", product_id=PRODUCT, total=2)
accepted = (requested, queued)
job_started = JobStarted(owner_id=OWNER, attempt=1)
started = (*accepted, job_started, GenerationStarted(owner_id=OWNER, attempt=1))
progressed = JobProgressed(owner_id=OWNER, done=1, total=2, step="image-1", cost=0.04)
result = {
    "image_ids": [str(UUID(int=1))],
    "failures": [{"index": 2, "code": "content_refused", "detail": "no"}],
}
job_completed = JobFinished(owner_id=OWNER, status="completed", result=result)
completed = (*started, progressed, job_completed)


def test_a_request_is_accepted_with_all_its_pins_and_queued() -> None:
    spec.given().when(RequestGeneration(title="Mug", **INPUTS)).then(*accepted)


def test_a_repeated_request_changes_nothing() -> None:
    spec.given(*accepted).when(RequestGeneration(title="Mug", **INPUTS)).then()


def test_a_worker_starts_it() -> None:
    spec.given(*accepted).when(StartJob()).then(job_started, GenerationStarted(owner_id=OWNER, attempt=1))


def test_a_second_attempt_is_told() -> None:
    spec.given(*started).when(StartJob()).then(
        JobStarted(owner_id=OWNER, attempt=2), GenerationStarted(owner_id=OWNER, attempt=2)
    )


def test_nothing_starts_that_was_never_requested() -> None:
    spec.given().when(StartJob()).then()


def test_a_picture_is_progress_once() -> None:
    report = ReportProgress(step="image-1", cost=0.04)
    spec.given(*started).when(report).then(progressed)
    spec.given(*started, progressed).when(report).then()


def test_it_completes_with_what_was_made_and_tells_what_was_not() -> None:
    made = GenerationCompleted(
        owner_id=OWNER,
        product_id=PRODUCT,
        image_ids=[UUID(int=1)],
        failures=[ImageFailure(index=2, code="content_refused", detail="no")],
    )
    spec.given(*started, progressed).when(CompleteJob(result=result)).then(job_completed, made)


def test_it_fails_with_a_code() -> None:
    why = {"code": "timeout", "detail": "the job took longer than is allowed", "retryable": True}
    spec.given(*started).when(FailJob(**why)).then(
        JobFinished(owner_id=OWNER, status="failed", **why),
        GenerationFailed(owner_id=OWNER, product_id=PRODUCT, **why),
    )


def test_it_tells_which_pictures_were_tried_in_vain() -> None:
    """Also of one that was tried and not finished, and of none that was made in the end."""
    asked = FailedAttempt(provider="openai", code="provider_timeout", message="too slow", cost=0.5)
    command = FailJob(code="timeout", detail="late", failed_attempts={"image-1": [asked], "image-2": [asked]})
    refused = progressed.model_copy(update={"code": "content_refused", "detail": "no"})
    slow = ImageFailure(index=2, code="provider_timeout", detail="too slow", failed_attempts=[asked])
    declined = ImageFailure(index=1, code="content_refused", detail="no", failed_attempts=[asked])
    told = [{"step": step, **asked.model_dump()} for step in ("image-1", "image-2")]
    for before, failures in ((progressed, [slow]), (refused, [declined, slow])):
        spec.given(*started, before).when(command).then(
            JobFinished(
                owner_id=OWNER,
                status="failed",
                code="timeout",
                detail="late",
                result={"failed_attempts": told},
                cost=0.5,
            ),
            GenerationFailed(
                owner_id=OWNER, product_id=PRODUCT, code="timeout", detail="late", failures=failures
            ),
        )


def test_its_owner_cancels_it() -> None:
    spec.given(*accepted).when(CancelJob(by="user:1")).then(
        JobFinished(owner_id=OWNER, status="cancelled", code="cancelled", detail="cancelled by its owner"),
        GenerationCancelled(owner_id=OWNER, product_id=PRODUCT, by="user:1"),
    )


def test_what_is_over_cannot_be_cancelled_or_ended_again() -> None:
    spec.given(*completed).when(CancelJob(by="user:1")).then_refused(Conflict, "job_finished")
    spec.given(*completed).when(FailJob(code="timeout", detail="late")).then()
    spec.given(*completed).when(StartJob()).then()


BRAND = {**INPUTS, "product_id": None, "project_id": UUID(int=9), "kind": "brand_logo"}
logos = (
    GenerationRequested.model_validate(BRAND),
    JobQueued(owner_id=OWNER, job_type="generation", title="Ember", total=3),
    job_started,
)
write = WritePrompts(prompts=["a flame", "a hearth"], call={"provider": "local"})
written = PromptsWritten(owner_id=OWNER, project_id=UUID(int=9), **write.model_dump())


def test_a_brands_job_has_one_step_more_for_its_prompts() -> None:
    spec.given().when(RequestGeneration(title="Ember", **BRAND)).then(*logos[:2])


def test_prompts_are_written_once() -> None:
    spec.given(*logos).when(write).then(written)
    spec.given(*logos, written).when(WritePrompts(prompts=["another"], call={})).then()


def test_nobody_writes_prompts_for_a_product_or_for_what_is_over() -> None:
    spec.given(*started).when(write).then()
    cancelled = JobFinished(owner_id=OWNER, status="cancelled")
    spec.given(*logos, cancelled).when(write).then()

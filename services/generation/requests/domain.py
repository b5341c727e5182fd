"""A generation, from what is asked for to the pictures made. Its stream is its job's as well. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from libs.common.contracts import jobs
from libs.common.contracts.generation import (
    GenerationCancelled,
    GenerationCompleted,
    GenerationFailed,
    GenerationInputs,
    GenerationRequested,
    GenerationStarted,
    ImageFailure,
    JobFinished,
    JobProgressed,
    JobQueued,
    JobStarted,
    Kind,
    PinnedImage,
    PromptsWritten,
)
from libs.common.decider import Decider
from libs.common.jobs import lifecycle
from libs.common.jobs.lifecycle import CancelJob, CompleteJob, FailJob, Job, JobCommand, JobEvent, StartJob
from libs.common.messages import Command

JOB_TYPE = "generation"
CUTOUT: Kind = "background_removal"
TRY_ONS: tuple[Kind, ...] = ("tryon", "tryon_multi")
JOB_EVENTS = lifecycle.JobEvents(JobQueued, JobStarted, JobProgressed, JobFinished)


class RequestGeneration(GenerationInputs, Command):
    """`title` is what the user's list of jobs calls it."""

    title: str


class WritePrompts(Command):
    """What each logo of a brand is to be, by the record of the `call` that wrote it."""

    prompts: list[str]
    call: dict[str, Any]


GenerationCommand = RequestGeneration | WritePrompts | JobCommand
Outcome = GenerationStarted | GenerationCompleted | GenerationFailed | GenerationCancelled
GenerationEvent = GenerationRequested | PromptsWritten | Outcome | JobEvent


@dataclass(frozen=True, slots=True)
class Generation:
    job: Job = field(default_factory=Job)
    request: GenerationRequested | None = None
    written: PromptsWritten | None = None


def decide(command: GenerationCommand, generation: Generation) -> list[GenerationEvent]:
    request, job = generation.request, generation.job
    if isinstance(command, RequestGeneration):
        return _accept(command) if request is None else []
    if request is None:
        return []
    if isinstance(command, WritePrompts):
        return _write(command, generation, request)
    told = lifecycle.decide(command, job, JOB_EVENTS)
    return [*told, *_outcome(command, request, job)] if told else []


def _accept(command: RequestGeneration) -> list[GenerationEvent]:
    inputs = command.model_dump(exclude={"title"})
    queued = JobQueued(
        owner_id=command.owner_id,
        job_type=JOB_TYPE,
        title=command.title,
        product_id=command.product_id,
        total=steps_of(command.kind, len(command.images)),
    )
    return [GenerationRequested.model_validate(inputs), queued]


def _write(
    command: WritePrompts, generation: Generation, request: GenerationRequested
) -> list[GenerationEvent]:
    """Once: whoever comes later with others has been overtaken."""
    if generation.written or generation.job.over or request.project_id is None:
        return []
    whose = {"owner_id": request.owner_id, "project_id": request.project_id}
    return [PromptsWritten.model_validate(whose | command.model_dump())]


def _outcome(command: JobCommand, request: GenerationRequested, job: Job) -> list[Outcome]:
    """What a turn in the job's life means for the generation."""
    whose = {"owner_id": request.owner_id, "product_id": request.product_id}
    match command:
        case StartJob():
            return [GenerationStarted(owner_id=request.owner_id, attempt=job.attempt + 1)]
        case CompleteJob(result=result):
            return [GenerationCompleted.model_validate(whose | result)]
        case FailJob():
            failures = list(_failures(command, request, job))
            return [GenerationFailed.model_validate(whose | command.model_dump() | {"failures": failures})]
        case CancelJob(by=by):
            return [GenerationCancelled.model_validate(whose | {"by": by})]
        case _:
            return []


def steps_of(kind: Kind, pictures: int) -> int:
    """How many steps the job has; a brand's begins with the prompts."""
    return pictures + (kind == "brand_logo")


def step_of(picture: PinnedImage) -> str:
    """The step of the job that makes it."""
    return f"image-{picture.index}"


def _failures(command: FailJob, request: GenerationRequested, job: Job) -> Iterator[ImageFailure]:
    """The pictures that were tried and not made, for the reason that was told, or else the last one."""
    told = {failure.step: failure for failure in job.failures}
    for picture in request.images:
        step = step_of(picture)
        tried = command.failed_attempts.get(step, [])
        if failure := told.get(step):
            code, detail = failure.code or "", failure.detail or ""
        elif tried and step not in job.steps:
            code, detail = tried[-1].code, tried[-1].message
        else:
            continue
        yield ImageFailure(index=picture.index, code=code, detail=detail, failed_attempts=tried)


def evolve(generation: Generation, event: GenerationEvent) -> Generation:
    match event:
        case GenerationRequested():
            return replace(generation, request=event)
        case PromptsWritten():
            return replace(generation, written=event)
        case GenerationStarted() | GenerationCompleted() | GenerationFailed() | GenerationCancelled():
            return generation  # the job's own events say the same
        case jobs.JobQueued() | jobs.JobStarted() | jobs.JobProgressed() | jobs.JobFinished():
            return replace(generation, job=lifecycle.evolve(generation.job, event))
    assert_never(event)


generations: Decider[Generation, GenerationCommand, GenerationEvent] = Decider(
    "generation", Generation(), decide, evolve
)

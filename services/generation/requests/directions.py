"""The first step of a brand's job: what each of its logos is to be, written out of the brief."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast

from libs.common.contracts.generation import GenerationRequested
from libs.common.database import Transaction
from libs.common.jobs.work import RunningJob
from libs.providers.attempts import asking
from libs.providers.base import Brief
from libs.providers.chain import Providers
from libs.providers.pictures import load
from libs.providers.record import spent
from services.generation.requests.domain import Generation, WritePrompts, generations

STEP = "prompts"


async def directions(providers: Providers, job: RunningJob[Generation], brief: Brief) -> Sequence[str]:
    """One for each picture; paid for once, and told of before the first picture is made."""
    if job.state.written:
        return job.state.written.prompts
    answer = await job.step(STEP, partial(_write, providers, job, brief))
    command = WritePrompts.model_validate(answer)

    async def tell(tx: Transaction) -> None:
        await tx.handle(generations, job.job_id, command, known=job.known)

    await job.progress(STEP, cost=spent(command.call), also=tell)
    return command.prompts


async def _write(providers: Providers, job: RunningJob[Generation], brief: Brief) -> dict[str, Any]:
    """What is journaled."""
    request = cast(GenerationRequested, job.state.request)
    liked = await asyncio.gather(*(load(job.service.objects, photo) for photo in request.references))
    asked = replace(brief, references=[replace(one, role="reference") for one in liked])
    async with asking(job, STEP) as told:
        written = await providers.prompts(asked, len(request.images), asking=told)
    call = {"provider": written.call.provider, "model": written.call.model, **written.call.record()}
    return {"prompts": list(written.value), "call": call}

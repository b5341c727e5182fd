"""One asking on behalf of a job: how long it may take, and who was asked in vain, journaled however it ends."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from libs.common.jobs.work import RunningJob
from libs.common.resilience import AWAY
from libs.providers.errors import ProviderError
from libs.providers.record import FailedAttempt


@dataclass(slots=True)
class Asking:
    """`until`: when the time of the attempt at the job is over, by `time.monotonic()`."""

    until: float = math.inf
    in_vain: list[FailedAttempt] = field(default_factory=list)

    def seconds(self, *, last: bool) -> float:
        """How long the next one may take: half of what is left, if others may have to step in for it."""
        return math.inf if last else max(0.0, self.until - time.monotonic()) / 2

    def stopped(self, provider: str, model: str | None, latency_ms: float | None) -> FailedAttempt:
        """Of a call whose answer nobody waits for any longer."""
        code, why = "cancelled", "the job was stopped before the answer"
        if time.monotonic() >= self.until:
            code, why = "timeout", "the job's time was over before the answer"
        return FailedAttempt(provider, code, why, model=model, latency_ms=latency_ms)


@asynccontextmanager
async def asking(job: RunningJob[Any], step: str) -> AsyncIterator[Asking]:
    """Journals who was asked in vain inside, if that fails, or runs out of the job's time, or is cancelled."""
    asked = Asking(job.until)
    try:
        yield asked
    except ProviderError as error:
        await job.asked_in_vain(step, error.record)
        raise
    except asyncio.CancelledError:
        with suppress(*AWAY, asyncpg.PostgresError):  # the log has them; what ends waits for no server
            await job.asked_in_vain(step, [one.record() for one in asked.in_vain], patience=0.0)
        raise

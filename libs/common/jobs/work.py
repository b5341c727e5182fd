"""What long work is: its kind, declared by a slice, and one job of it while it runs."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid5

from libs.common.database import Handled, Transaction
from libs.common.decider import Decider
from libs.common.jobs import queue
from libs.common.jobs.lifecycle import CancelJob, CompleteJob, FailJob, ReportProgress
from libs.common.messages import Meta
from libs.common.resilience import insist
from libs.common.service import Service

S = TypeVar("S")
log = logging.getLogger(__name__)
STORE_SECONDS = 30.0
"""How long a paid answer waits for a database that is away."""
_JOURNALED = "SELECT answer, failed_attempts FROM job_calls WHERE job_id = $1 AND step = $2"
# nothing for a job that is over: who was taken for dead would leave it behind for ever
_JOURNAL = """
INSERT INTO job_calls (job_id, step, answer, done_at)
SELECT job_id, $2, $3, now() FROM job_queue WHERE job_id = $1 FOR KEY SHARE
ON CONFLICT (job_id, step) DO UPDATE SET answer = coalesce(job_calls.answer, excluded.answer),
  done_at = coalesce(job_calls.done_at, excluded.done_at)
RETURNING answer
"""
# nothing of whoever has lost the job: it knows nothing of what the one has journaled that has it
_IN_VAIN = """
INSERT INTO job_calls (job_id, step, failed_attempts)
SELECT job_id, $2, $3 FROM job_queue WHERE job_id = $1 AND worker_id = $4 FOR KEY SHARE
ON CONFLICT (job_id, step) DO UPDATE SET failed_attempts = excluded.failed_attempts
"""


@dataclass(frozen=True, slots=True)
class JobKind(Generic[S]):
    """A kind of long work, declared by its slice.

    `perform` does the work outside any transaction and returns the job's result; `conclude` adds what else is to
    happen in the transaction that finishes the job. `decider` is the job stream's and understands `JobCommand`.
    """

    name: str
    decider: Decider[S, Any, Any]
    perform: Callable[["RunningJob[S]"], Awaitable[dict[str, Any]]]
    conclude: Callable[[Transaction, "RunningJob[S]", dict[str, Any]], Awaitable[None]] | None = None


@dataclass(slots=True)
class RunningJob(Generic[S]):
    """What a job may use while it runs; `known` is its stream as this worker knows it, every input pinned.

    `attempt` counts those since the last progress, this one included; the `first` one of all finds no journal.
    `until` is when its time is over, by `time.monotonic()`.
    """

    service: Service[Any]
    kind: JobKind[S]
    job_id: UUID
    owner_id: UUID
    worker_id: UUID
    known: Handled[S]
    attempt: int
    first: bool
    meta: Meta
    until: float = math.inf
    began: float = field(default_factory=time.monotonic)
    progressed: bool = False
    """This attempt has brought the job further, so that the failed ones before it are forgiven."""
    lost: bool = False
    """It was taken over with steps untold. This attempt may not end it, even if this worker has it back: in another."""
    failed_attempts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Who was asked in vain, by step: `FailedAttempt`s as JSON, those of earlier attempts of the job included."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _last: "_Report | None" = None

    @property
    def state(self) -> S:
        return self.known.state

    async def step(self, name: str, call: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        """Makes a paid call once: its answer is journaled in its own commit and reused by any later attempt."""
        pool = self.service.db.pool
        journaled = None if self.first else await pool.fetchrow(_JOURNALED, self.job_id, name)
        answer, self.failed_attempts[name] = journaled or (None, [])
        if answer is None:
            answer = await call()
            # paid for already: a database that is away for a moment must not lose it
            stored = await insist(partial(pool.fetchval, _JOURNAL, self.job_id, name, answer), STORE_SECONDS)
            answer = stored or answer  # another worker, which was taken for dead, may have come first
        return dict(answer)

    async def asked_in_vain(
        self, step: str, attempts: Sequence[dict[str, Any]], patience: float = STORE_SECONDS
    ) -> None:
        """Journals them, so that whichever attempt ends the step, or the job, can tell of them."""
        if attempts:
            tried = self.failed_attempts[step] = [*self.failed_attempts[step], *attempts]
            journal = partial(
                self.service.db.pool.execute, _IN_VAIN, self.job_id, step, tried, self.worker_id
            )
            await insist(journal, patience)

    async def progress(
        self,
        step: str,
        cost: float = 0.0,
        also: Callable[[Transaction], Awaitable[None]] | None = None,
        *,
        code: str | None = None,
        detail: str | None = None,
        last: bool = False,
    ) -> None:
        """Reports a finished step, and `also` what it made, in one transaction; `code` if it failed for good.

        The `last` step is told of when the attempt ends, in the transaction that ends the job if it does.
        """
        report = _Report(ReportProgress(step=step, cost=cost, code=code, detail=detail), also)
        if last:
            self._last = report
        else:
            await self._tell(report)

    async def tell_last(self) -> None:
        """Reports what was left for the end of an attempt that does not end the job."""
        report, self._last = self._last, None
        if report:
            await self._tell(report)

    async def end(self, tx: Transaction, command: CompleteJob | FailJob | CancelJob) -> None:
        """With what was left to be reported, and what else is to happen when the job completes."""
        report, self._last = self._last, None
        if report and report.also:
            await report.also(tx)
        if isinstance(command, CompleteJob) and self.kind.conclude:
            await self.kind.conclude(tx, self, command.result)
        commands = [report.command, command] if report else [command]
        await tx.handle(self.kind.decider, self.job_id, *commands, known=self.known)

    async def _tell(self, report: "_Report") -> None:
        async with self._turn, self.service.transaction(self.meta) as tx:
            con = await tx.connection()
            if self.lost or not await queue.hold(con, self.job_id, self.worker_id):
                self.lost = True
                log.warning(
                    "job %s was taken over by another worker, which will tell of its steps", self.job_id
                )
                return
            if report.also:
                await report.also(tx)
            reported = await tx.handle(self.kind.decider, self.job_id, report.command, known=self.known)
            # a step reported again is no progress, and must not buy another attempt
            if reported.events and self.attempt > 1:
                await queue.progressed(con, self.job_id)
        self.known = reported
        self.progressed |= bool(reported.events)

    def id_of(self, name: str) -> UUID:
        """Of what the job makes: the same on every attempt, so it cannot be made twice."""
        return uuid5(self.job_id, name)


@dataclass(frozen=True, slots=True)
class _Report:
    """A finished step, and what it made."""

    command: ReportProgress
    also: Callable[[Transaction], Awaitable[None]] | None

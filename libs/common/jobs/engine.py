"""Runs a service's jobs: one claims for all slots, one heartbeat, a journal of paid calls, exactly one end per job."""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
from prometheus_client import Gauge, Histogram
from uuid_utils.compat import uuid4

from libs.common.contracts.jobs import JobStarted
from libs.common.errors import DomainError
from libs.common.event_log import EventTooLarge
from libs.common.jobs import queue
from libs.common.jobs.lifecycle import CancelJob, CompleteJob, FailJob, StartJob
from libs.common.jobs.queue import Claim
from libs.common.jobs.work import JobKind, RunningJob
from libs.common.messages import Meta
from libs.common.resilience import AWAY, insist
from libs.common.service import Service
from libs.common.telemetry import current_traceparent, span

LEASE_SECONDS = 30.0
"""A dead worker's jobs are taken by another after so long; the heartbeat comes three times as often."""
log = logging.getLogger(__name__)
MAX_ATTEMPTS = 5
NOTE_SECONDS = 1.0
"""How often a worker notes how long its jobs take."""
LONGEST_WAIT = 3600.0
"""Seconds; whoever says to come back later than that is asked sooner."""
ATTEMPTS = Histogram(
    "vitrine_job_attempt_seconds",
    "Attempts at jobs by how they ended: completed, failed, cancelled, or to be repeated",
    ["kind", "outcome"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)
SLOTS = Gauge("vitrine_job_slots", "Jobs this process may work on at once")
BUSY = Gauge("vitrine_job_slots_busy", "Jobs this process is working on")
_OUTCOMES = {CompleteJob: "completed", FailJob: "failed", CancelJob: "cancelled"}
GAVE_UP = FailJob(code="worker_died", detail="its worker died in every attempt without any progress")


class JobTimeout(Exception):
    """The job took longer than it may; a server that was waited for in vain is another matter."""


@dataclass
class Engine:
    """All slots of one worker process."""

    service: Service[Any]
    kinds: Sequence[JobKind[Any]]
    slots: int
    timeout: float
    lease: float = LEASE_SECONDS
    worker_id: UUID = field(default_factory=uuid4)
    _running: dict[UUID, "asyncio.Task[Any]"] = field(default_factory=dict)
    _told: set[UUID] = field(default_factory=set)
    _cancelled: set[UUID] = field(default_factory=set)
    _noted: float = -NOTE_SECONDS
    _queued: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Works until cancelled; then gives back what it holds, so that another worker takes it at once."""
        SLOTS.set(self.slots)
        await self.service.bus.on_wake(f"{self.service.name}.jobs", self._wake_up)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._heartbeat())
            await self._claim_all(group)

    def _wake_up(self) -> None:
        self._queued.set()
        self._changed.set()

    async def _claim_all(self, group: asyncio.TaskGroup) -> None:
        """One job after the other, as long as a slot is free: the first has made its call before the last is here."""
        free = asyncio.Semaphore(self.slots)
        names = [kind.name for kind in self.kinds]
        while True:
            await free.acquire()
            self._queued.clear()
            claim = await self._claim(names)
            if claim is None:
                free.release()
                await _rung(self._queued, 1.0)
            else:
                group.create_task(self._work(claim)).add_done_callback(lambda _: free.release())

    async def _claim(self, names: list[str]) -> Claim | None:
        claiming = asyncio.ensure_future(queue.claim(self.service.db, self.worker_id, names, self.lease))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:  # the worker stops, and nobody would work on what it gets
            with suppress(*AWAY, asyncpg.PostgresError):
                if claim := await claiming:
                    await self._give_back(claim, 0.0, counts=False, patience=0.0)
            raise
        except (*AWAY, asyncpg.PostgresError) as error:
            log.warning("cannot claim jobs: %r", error)
            return None

    async def _work(self, claim: Claim) -> None:
        """One attempt, in the trace and under the id of the request that the job was accepted in."""
        kind = next(kind for kind in self.kinds if kind.name == claim.kind)
        ids = {"job_id": str(claim.job_id), "attempt": claim.attempts}
        with span(f"job {kind.name}", "consumer", claim.traceparent, **ids) as working:
            working.log_fields = {"request_id": claim.correlation_id, **ids}
            await self._guard(kind, claim)

    async def _guard(self, kind: JobKind[Any], claim: Claim) -> None:
        """Runs one claimed job to whatever end; nothing it raises may stop the slot."""
        task = asyncio.create_task(self._attempt(kind, claim))
        self._running[claim.job_id] = task
        BUSY.inc()
        try:
            await asyncio.wait([task])
            if not task.cancelled() and (error := task.exception()):
                raise error
        except asyncio.CancelledError:  # the worker stops: hand the job on
            task.cancel()
            await asyncio.wait([task])
            await self._give_back(claim, 0.0, counts=False, patience=0.0)
            raise
        except Exception as error:
            log.exception("job %s could not be concluded", claim.job_id)
            await self._give_back(claim, 1.0, counts=not isinstance(error, AWAY))
        finally:
            BUSY.dec()
            self._running.pop(claim.job_id, None)
            self._told.discard(claim.job_id)
            self._cancelled.discard(claim.job_id)

    async def _attempt(self, kind: JobKind[Any], claim: Claim) -> None:
        meta = Meta(claim.correlation_id, actor=f"user:{claim.owner_id}", traceparent=current_traceparent())
        job = await self._start(kind, claim, meta)
        if job is None:
            return None
        if claim.cancelled:
            return await self._finish(job, CancelJob(by="owner"))
        if claim.attempts > MAX_ATTEMPTS:
            return await self._finish(job, GAVE_UP)
        try:
            result = await self._perform(kind, job)
        except asyncio.CancelledError:
            if claim.job_id not in self._cancelled:
                raise  # the lease was lost or the worker stops
            await self._finish(job, CancelJob(by="owner"))
        except Exception as error:
            await self._failed(job, claim, error)
        else:
            await self._finish(job, CompleteJob(result=result))

    async def _perform(self, kind: JobKind[Any], job: RunningJob[Any]) -> dict[str, Any]:
        deadline = asyncio.timeout(self.timeout)
        try:
            async with deadline:
                return await kind.perform(job)
        except TimeoutError as error:
            if deadline.expired():
                raise JobTimeout from error
            raise

    async def _start(self, kind: JobKind[Any], claim: Claim, meta: Meta) -> RunningJob[Any] | None:
        until = time.monotonic() + self.timeout
        async with self.service.transaction(meta) as tx:
            handled = await tx.handle(kind.decider, claim.job_id, StartJob())
            if not handled.events:  # over already: its worker died between the end and the queue
                await queue.remove(await tx.connection(), claim.job_id)
                return None
        begun = any(isinstance(one.event, JobStarted) and one.event.attempt == 1 for one in handled.events)
        first = begun and claim.attempts == 1
        whose = claim.job_id, claim.owner_id, self.worker_id
        return RunningJob(self.service, kind, *whose, handled, claim.attempts, first, meta, until)

    async def _finish(self, job: RunningJob[Any], command: CompleteJob | FailJob | CancelJob) -> None:
        """The one end of the job; one that is more than events hold is another one, told in brief."""
        self._told.add(job.job_id)  # a cancellation that comes now comes too late
        try:
            await self._end(job, command)
        except EventTooLarge as error:
            log.exception("the end of job %s is too large", job.job_id)
            if isinstance(command, CompleteJob):
                command = FailJob(code=error.code, detail=str(error))
            await self._end(job, command, in_brief=True)

    async def _end(
        self, job: RunningJob[Any], command: CompleteJob | FailJob | CancelJob, *, in_brief: bool = False
    ) -> None:
        """Its events and the queue row's removal in one transaction, if the lease is ours."""
        seconds = time.monotonic() - job.began
        async with self.service.transaction(job.meta) as tx:
            con = await tx.connection()
            if not isinstance(command, CompleteJob):  # of attempts that never came to the step, too
                tried = await queue.asked_in_vain(con, job.job_id)
                command = command.model_copy(update={"failed_attempts": tried})
                command = command.in_brief() if in_brief else command
            if job.lost or not await queue.remove(con, job.job_id, self.worker_id):
                log.warning("job %s was taken over by another worker; this attempt is dropped", job.job_id)
                return
            await job.end(tx, command)
            if isinstance(command, CompleteJob) and time.monotonic() > self._noted + NOTE_SECONDS:
                await queue.note_duration(con, job.kind.name, seconds)
                self._noted = time.monotonic()
        outcome = _OUTCOMES[type(command)]
        ATTEMPTS.labels(job.kind.name, outcome).observe(seconds)
        log.info("job %s %s", job.job_id, outcome, extra={"milliseconds": round(seconds * 1000)})

    async def _failed(self, job: RunningJob[Any], claim: Claim, error: Exception) -> None:
        """Tries again later what may be tried again, and ends the job otherwise."""
        self._told.add(job.job_id)  # a cancellation that comes now is for the next attempt
        try:
            await job.tell_last()
        except EventTooLarge as too_large:
            error = too_large
        code, detail, retryable = describe(error)
        log.warning("job %s attempt %s: %s %r", job.job_id, claim.attempts, code, error)
        outage = isinstance(error, AWAY)  # nobody's fault, so it costs no attempt
        most = getattr(error, "most_attempts", None) or MAX_ATTEMPTS
        attempts = 1 if job.progressed else claim.attempts
        stuck = isinstance(error, JobTimeout) and not job.progressed  # who gets on may go on
        if stuck or not (retryable or outage) or attempts >= most:
            await self._finish(job, FailJob(code=code, detail=detail, retryable=retryable))
        else:
            told = min(getattr(error, "retry_after", None) or 0.0, LONGEST_WAIT)
            delay = told or (1.0 if outage else 2.0 ** (attempts - 1))
            ATTEMPTS.labels(claim.kind, "repeated").observe(time.monotonic() - job.began)
            await self._give_back(claim, delay, counts=not outage)

    async def _give_back(
        self, claim: Claim, delay: float, *, counts: bool = True, patience: float | None = None
    ) -> None:
        """Tries for as long as the lease may last, so that nobody waits for that when the database is back."""
        release = partial(queue.release, self.service.db, self.worker_id, claim.job_id, delay, counts=counts)
        with suppress(*AWAY, asyncpg.PostgresError):
            await insist(release, self.lease if patience is None else patience)

    async def _heartbeat(self) -> None:
        """Renews all leases at once and sees what was cancelled; a wake-up makes it look at once."""
        while True:
            await _rung(self._changed, self.lease / 3)
            self._changed.clear()
            if not self._running:
                continue
            known = dict(self._running)  # what is claimed meanwhile is missing from the answer, and not lost
            try:
                ours = await queue.renew(self.service.db, self.worker_id, list(known), self.lease)
            except (*AWAY, asyncpg.PostgresError) as error:
                log.warning("cannot renew leases: %r", error)
                continue
            for job_id, task in known.items():
                if task.done() or job_id in self._told:
                    continue
                if ours.get(job_id, True):  # to be cancelled, or no longer ours
                    self._told.add(job_id)
                    self._cancelled |= {job_id} & ours.keys()
                    task.cancel()


async def _rung(bell: asyncio.Event, seconds: float) -> None:
    """Waits for it, but no longer than that."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await bell.wait()


def describe(error: Exception) -> tuple[str, str, bool]:
    """The stable code, a sentence for the user, and whether another attempt may help."""
    if isinstance(error, JobTimeout):
        return "timeout", "the job took longer than is allowed", True
    if isinstance(error, AWAY):
        return "unavailable", "a server the job needs is not reachable", True
    code = getattr(error, "code", None)
    if isinstance(error, DomainError) or code is not None:
        return str(getattr(code, "value", code)), str(error), bool(getattr(error, "retryable", False))
    return "internal_error", "the job failed for a reason of ours; it is in the log", True

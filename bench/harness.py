"""Interleaved rounds, medians, ratios: these machines are noisy, so only what ran side by side is compared."""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from deploy.local.stack import Stack
from libs.common.database import Database
from tests.libs.common.counters import SCHEMA, Counters, create_schema

ROUNDS = 7

Measure = Callable[[], Awaitable[float]]


@dataclass(frozen=True)
class Bar:
    """`candidate` is to reach `factor` times `peer`; for times (`lower`) it is to stay below."""

    candidate: str
    peer: str
    factor: float
    lower: bool = False

    def holds(self, results: Mapping[str, Sequence[float]]) -> tuple[float, bool]:
        """The median of the ratios within a round, and whether it meets the bar."""
        pairs = zip(results[self.candidate], results[self.peer], strict=True)
        ratio = statistics.median(candidate / peer for candidate, peer in pairs)
        return ratio, ratio <= self.factor if self.lower else ratio >= self.factor


class ProcessorTimes(NamedTuple):
    """Jiffies since the machine started: those that were asked for, and of these what the host gave to others."""

    wanted: int
    stolen: int


def processor_times() -> ProcessorTimes | None:
    """None where the system does not tell."""
    try:
        fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    except OSError:
        return None
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields
    return ProcessorTimes(user + nice + system + irq + softirq + steal, steal)


async def interleave(candidates: Mapping[str, Measure], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Every candidate once per round, so that a slow minute hits them all."""
    results: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, measure in candidates.items():
            results[name].append(await measure())
    return results


async def rate(writers: int, work: Callable[[int], Awaitable[object]], seconds: float = 2.0) -> float:
    """Calls per second of `work(writer)` from so many writers at once."""
    calls, start = 0, time.perf_counter()

    async def write(writer: int) -> None:
        nonlocal calls
        while time.perf_counter() - start < seconds:
            await work(writer)
            calls += 1

    await asyncio.gather(*(write(writer) for writer in range(writers)))
    return calls / (time.perf_counter() - start)


async def peer(*command: str) -> float:
    """The number a peer's own program prints last."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    return float(output.split()[-1])


def report(title: str, unit: str, results: Mapping[str, Sequence[float]], bars: Sequence[Bar]) -> bool:
    """Prints the table; True if every bar is met."""
    print(f"\n{title} ({unit}, median of {len(next(iter(results.values())))} interleaved rounds)")
    for name, values in results.items():
        print(
            f"  {name:<58} {statistics.median(values):>12,.1f}   {min(values):>12,.1f} … {max(values):,.1f}"
        )
    met = True
    for bar in bars:
        ratio, holds = bar.holds(results)
        met &= holds
        sign = "≤" if bar.lower else "≥"
        print(
            f"  {'✓' if holds else '✗'} {bar.candidate} / {bar.peer} = {ratio:.2f} (bar {sign} {bar.factor})"
        )
    sys.stdout.flush()
    return met


def check(title: str, value: float, unit: str, limit: float, *, lower: bool = True) -> bool:
    """Prints one number against an absolute bar; True if it is met."""
    holds = value <= limit if lower else value >= limit
    print(
        f"  {'✓' if holds else '✗'} {title}: {value:,.1f} {unit} (bar {'≤' if lower else '≥'} {limit:,.0f})",
        flush=True,
    )
    return holds


@asynccontextmanager
async def scratch(connections: int) -> AsyncIterator[tuple[Counters, Stack, str]]:
    """Counters on a PostgreSQL of their own, and its superuser's URL."""
    with tempfile.TemporaryDirectory(prefix="vitrine-bench-") as directory, Stack(Path(directory)) as stack:
        stack.start_server("postgres")
        stack.postgres.create_database()
        await create_schema(stack.postgres.superuser_url)
        db = await Database.connect(stack.postgres.url(SCHEMA, "scratch"), SCHEMA, size=connections)
        try:
            yield Counters(db), stack, stack.postgres.superuser_url
        finally:
            await db.close()

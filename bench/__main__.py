"""`python -m bench [name …]`: runs all benchmarks or those named; exit code 1 if a bar is missed."""

import importlib
import sys
from pathlib import Path

import uvloop

from bench.harness import processor_times

ORDER = (
    "append",
    "projector",
    "rebuild",
    "reads",
    "claims",
    "main_job",
    "memory",
    "local_provider",
    "providers",
)
present = {path.stem for path in Path(__file__).parent.glob("*.py")}


def main() -> int:
    names = sys.argv[1:] or [name for name in ORDER if name in present]
    missed = [name for name in names if not _run(name)]
    print(f"\nnot met: {', '.join(missed)}" if missed else "\nall bars met")
    return 1 if missed else 0


def _run(name: str) -> bool:
    before = processor_times()
    met = uvloop.run(importlib.import_module(f"bench.{name}").main())
    if before and (after := processor_times()):
        stolen = 100 * (after.stolen - before.stolen) / max(after.wanted - before.wanted, 1)
        print(
            f"  ({stolen:.0f} % of the processor time that was wanted went to other machines on this host)",
            flush=True,
        )
    return met


if __name__ == "__main__":
    sys.exit(main())

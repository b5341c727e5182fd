"""`python -m bench [name …]`: runs all benchmarks or those named; exit code 1 if a bar is missed."""

import importlib
import sys
from pathlib import Path

import uvloop

ORDER = ("append", "projector", "rebuild", "reads", "main_job", "memory", "local_provider")
present = {path.stem for path in Path(__file__).parent.glob("*.py")}


def main() -> int:
    names = sys.argv[1:] or [name for name in ORDER if name in present]
    missed = [name for name in names if not uvloop.run(importlib.import_module(f"bench.{name}").main())]
    print(f"\nnot met: {', '.join(missed)}" if missed else "\nall bars met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

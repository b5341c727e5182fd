"""Where commands print: as wide as the terminal, or, into a pipe or a file, as wide as a table needs to be."""

import sys

from rich.console import Console

console = Console(highlight=False, width=None if sys.stdout.isatty() else 400)

"""What a child process hands back; the module that parent and child share without OpenCV."""

from dataclasses import dataclass
from typing import Any

from libs.providers.base import ImageOut


@dataclass(frozen=True, slots=True)
class Measured:
    """`value` is plain JSON."""

    value: Any
    timings: dict[str, float]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    """`details` is plain JSON."""

    image: ImageOut
    details: dict[str, Any]
    timings: dict[str, float]
    warnings: tuple[str, ...] = ()
    vector: str | None = None
    """The same picture as SVG, if it was drawn."""

"""The design document: everything a logo is made of, small enough to travel inside its PNG."""

from typing import Annotated, Literal

import pydantic

Hex = Annotated[str, pydantic.StringConstraints(pattern=r"^#[0-9a-f]{6}$")]

MarkName = Literal[
    "petals",
    "circles",
    "orbit",
    "chevrons",
    "mountain",
    "waves",
    "leaf",
    "bolt",
    "bars",
    "spark",
    "house",
    "pin",
    "cup",
    "shield",
    "monogram",
]
FaceName = Literal["geometric", "modern", "light", "rounded", "soft", "serif", "slab", "heavy", "humanist"]
Case = Literal["as_is", "upper", "lower"]
Layout = Literal["stacked", "horizontal", "badge", "mark", "wordmark"]
Frame = Literal["circle", "squircle", "hexagon", "ring", "shield", "none"]

LONGEST_NAME, LONGEST_TAGLINE, LONGEST_HISTORY = 60, 80, 50


class Design(pydantic.BaseModel):
    """Read back from files that anybody may have written: every value has its bounds."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    version: Literal[1] = 1
    name: str = pydantic.Field(min_length=1, max_length=LONGEST_NAME)
    tagline: str = pydantic.Field(default="", max_length=LONGEST_TAGLINE)
    mark: MarkName
    letters: str = pydantic.Field(default="", max_length=2)
    """Of a monogram."""
    frame: Frame | None = None
    """Around a monogram; without one the seed decides."""
    seed: tuple[Annotated[int, pydantic.Field(ge=0)], Annotated[int, pydantic.Field(ge=0)]]
    """Decides the mark's proportions: the request's seed, and the place among its pictures."""
    rounding: float | None = pydantic.Field(default=None, ge=0, le=0.5)
    mark_scale: float = pydantic.Field(default=1.0, ge=0.4, le=2.0)
    text_scale: float = pydantic.Field(default=1.0, ge=0.5, le=1.6)
    face: FaceName = "modern"
    weight: int = pydantic.Field(default=0, ge=-3, le=3)
    """Steps from the face's own weight, as far as it has any."""
    tracking: float = pydantic.Field(default=0.01, ge=-0.1, le=0.5)
    """Added after every letter, in ems."""
    case: Case = "as_is"
    layout: Layout = "stacked"
    palette: tuple[Hex, Hex, Hex, Hex]
    """Three colours of the mark, then that of the name."""
    ink: Hex | None = None
    tagline_ink: Hex | None = None
    """Of name and tagline, if somebody has asked for theirs; otherwise they follow palette and background."""
    background: Hex | Literal["transparent"] = "#ffffff"
    history: tuple[Annotated[str, pydantic.StringConstraints(max_length=4000)], ...] = pydantic.Field(
        default=(), max_length=LONGEST_HISTORY
    )
    """The instructions that led here, oldest first."""

"""From a design to filled outlines in pixels."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from libs.providers.local.logo import palette
from libs.providers.local.logo.design import Design, FaceName
from libs.providers.local.logo.geometry import Ring, circle, moved
from libs.providers.local.logo.lettering import Lettering
from libs.providers.local.logo.lines import Setting, Text, capitals, fit
from libs.providers.local.logo.marks import draw

MARGIN = 0.08
"""Of a wide design, as a share of the width on either side."""

NAME_LINES, TAGLINE_LINES = 3, 2
BELOW_NAME = 0.62
"""The most that the tagline's capitals have of the name's."""
READABLE = 0.014
"""Of the picture's height."""
ASKED_FOR = 2.2
"""Contrast of a colour that somebody has asked for: as they said, as long as it can be seen."""


@dataclass(frozen=True, slots=True)
class Fill:
    """`cut` shows the background, which may be transparent."""

    rings: list[Ring]
    colour: str
    opacity: float = 1.0
    cut: bool = False


@dataclass(slots=True)
class Canvas:
    """A design at its size in pixels, while it is laid out."""

    design: Design
    width: int
    height: int
    fills: list[Fill] = field(default_factory=list)
    missing: str = ""
    """Characters that no face has."""

    @property
    def paper(self) -> str:
        """What the colours are chosen for."""
        return "#ffffff" if self.design.background == "transparent" else self.design.background

    @property
    def colours(self) -> list[str]:
        least = 3.2 if palette.is_dark(self.paper) else 1.9
        return [palette.readable(colour, self.design.background, least) for colour in self.design.palette[:3]]

    @property
    def ink(self) -> str:
        if self.design.ink:
            return palette.readable(self.design.ink, self.paper, ASKED_FOR)
        if palette.is_dark(self.design.background):
            return palette.LIGHT_INK
        return palette.readable(self.design.palette[3], self.design.background, 4.5)

    @property
    def tagline_ink(self) -> str:
        if self.design.tagline_ink:
            return palette.readable(self.design.tagline_ink, self.paper, ASKED_FOR)
        return palette.readable(self.colours[0], self.paper, 3.0)

    @property
    def name(self) -> str:
        cases = {"upper": capitals, "lower": str.lower}
        return cases.get(self.design.case, str)(self.design.name)

    @property
    def roomier(self) -> float:
        """What a larger name may take of the margins."""
        return min(1.15, max(1.0, self.design.text_scale))

    def put_mark(self, x: float, y: float, radius: float) -> None:
        colours = self.colours
        for shape in draw(self.design):
            rings = [moved(ring * radius, x, y) for ring in shape.rings]
            colour = self.paper if shape.colour is None else colours[shape.colour % 3]
            self.fills.append(Fill(rings, colour, shape.opacity, cut=shape.colour is None))

    def put_text(self, text: Text, left: float, baseline: float, colour: str) -> None:
        """The lines begin at `left`; the last one stands on `baseline`."""
        for line, x, y in text.placed(left, baseline, 0.0):
            self._put_line(line, text.scale, x, y, colour)

    def centre_text(self, text: Text, baseline: float, colour: str) -> None:
        for line, x, y in text.placed((self.width - text.width) / 2, baseline, 0.5):
            self._put_line(line, text.scale, x, y, colour)

    def _put_line(self, line: Lettering, scale: float, left: float, baseline: float, colour: str) -> None:
        origin = left - line.left * scale
        for glyph in line.glyphs:
            self.fills.append(Fill([moved(ring * scale, origin, baseline) for ring in glyph], colour))

    def fit_name(self, width: float, height: float) -> Text:
        size, design = self.design.text_scale, self.design
        how = Setting(design.face, design.tracking, design.weight)
        return self._noted(fit(self.name, how, width * min(1, size), height * size, NAME_LINES))

    def fit_tagline(self, name: Text, tracking: float, width: float, height: float) -> Text:
        """Smaller than the name, as long as it can be read."""
        face: FaceName = "light" if self.design.face in ("serif", "light") else "humanist"
        height = min(height, max(BELOW_NAME * name.cap_height, READABLE * self.height))
        return self._noted(
            fit(capitals(self.design.tagline), Setting(face, tracking), width, height, TAGLINE_LINES)
        )

    def _noted(self, text: Text) -> Text:
        self.missing += "".join(line.missing for line in text.lines)
        return text


def lay_out(design: Design, width: int, height: int) -> Canvas:
    canvas = Canvas(design, width, height)
    nameless = not canvas.fit_name(width, height).width
    match "mark" if nameless else design.layout:
        case "mark":
            canvas.put_mark(width / 2, height / 2, min(width, height) * 0.36 * min(1.3, design.mark_scale))
        case "wordmark":
            _wordmark(canvas)
        case "horizontal":
            _horizontal(canvas)
        case "stacked":
            _stacked(canvas, 1.0)
        case "badge":
            canvas.fills.extend(_badge_rings(canvas))
            _stacked(canvas, 0.70)
    if design.layout == "mark":
        canvas.missing = ""  # of words that are not shown
    canvas.missing = "".join(dict.fromkeys(canvas.missing))
    return canvas


def _wordmark(canvas: Canvas) -> None:
    width, height = canvas.width, canvas.height
    name = canvas.fit_name(width * 0.82 * canvas.roomier, height * 0.26)
    baseline = (height + name.height) / 2
    if canvas.design.tagline:
        tagline = canvas.fit_tagline(name, 0.16, width * 0.7, height * 0.04)
        baseline -= 0.05 * height + tagline.below / 2
        canvas.centre_text(tagline, baseline + 0.10 * height + tagline.height, canvas.tagline_ink)
    canvas.centre_text(name, baseline, canvas.ink)


def _horizontal(canvas: Canvas) -> None:
    width, height = canvas.width, canvas.height
    radius = min(height * 0.24, width * 0.13) * canvas.design.mark_scale
    edges = np.concatenate([ring[:, 0] for shape in draw(canvas.design) for ring in shape.rings]) * radius
    mark, gap = float(np.ptp(edges)), radius * 0.55
    room = width * (1 - 2 * MARGIN) - mark - gap
    name = canvas.fit_name(room, radius * 0.95)
    below, tagline = 0.0, None
    if canvas.design.tagline:
        tagline = canvas.fit_tagline(name, 0.14, max(name.width, 0.62 * room), radius * 0.24)
        below = 0.38 * radius + tagline.height
    left = (width - mark - gap - max(name.width, tagline.width if tagline else 0.0)) / 2
    canvas.put_mark(left - float(edges.min()), height / 2, radius)
    text_left = left + mark + gap
    baseline = (height + name.height - below) / 2
    if tagline:
        canvas.put_text(tagline, text_left, baseline + below, canvas.tagline_ink)
    canvas.put_text(name, text_left, baseline, canvas.ink)


def _stacked(canvas: Canvas, size: float) -> None:
    width, height = canvas.width, canvas.height
    side = min(height, 1.25 * width)  # a tall picture is not filled up with space
    name = canvas.fit_name(width * 0.74 * size * canvas.roomier, side * 0.115 * size)
    below, tagline = 0.0, None
    if canvas.design.tagline:
        tagline = canvas.fit_tagline(name, 0.20, max(name.width * 0.92, width * 0.62 * size), side * 0.030)
        below = 0.045 * side + tagline.height
    words = 0.10 * side + name.height + below
    radius = min(side, width) * 0.22 * canvas.design.mark_scale * size
    radius = min(radius, (height * (0.86 if size == 1 else 0.74) - words) / 2)
    top = (height - 2 * radius - words) / 2
    canvas.put_mark(width / 2, top + radius, radius)
    baseline = top + 2 * radius + 0.10 * side + name.height
    canvas.centre_text(name, baseline, canvas.ink)
    if tagline:
        canvas.centre_text(tagline, baseline + below, canvas.tagline_ink)


def _badge_rings(canvas: Canvas) -> Iterable[Fill]:
    radius = min(canvas.width, canvas.height) * 0.47
    for outer, inner in ((1.0, 0.97), (0.945, 0.938)):
        rings = [circle(canvas.width / 2, canvas.height / 2, radius * share, 240) for share in (outer, inner)]
        yield Fill(rings, canvas.colours[0])

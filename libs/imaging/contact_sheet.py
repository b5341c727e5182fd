"""Several captioned pictures on one page."""

import functools
import io
import textwrap
from collections.abc import Sequence
from importlib import resources

from PIL import Image, ImageDraw, ImageFont

from libs.imaging.decode import open_rgb

CELL = 480
MARGIN = 24
CAPTION = 60
FONT_SIZE = 17
CHARACTERS, LINES = 52, 2
PAPER, INK = "#fbfaf8", "#2b2b2b"


def contact_sheet(items: Sequence[tuple[str, bytes]], *, columns: int = 3) -> bytes:
    """PNG of (caption, picture) pairs, row by row; captions longer than two lines are cut."""
    if not items:
        raise ValueError("a contact sheet needs at least one picture")
    columns = min(columns, len(items))
    pictures = [(caption, open_rgb(data, longest_side=CELL)) for caption, data in items]
    rows = [pictures[start : start + columns] for start in range(0, len(pictures), columns)]
    heights = [max(picture.height for _, picture in row) for row in rows]
    height = MARGIN + sum(tallest + CAPTION + MARGIN for tallest in heights)
    sheet = Image.new("RGB", (columns * (CELL + MARGIN) + MARGIN, height), PAPER)
    y = MARGIN
    for row, tallest in zip(rows, heights, strict=True):
        for column, (caption, picture) in enumerate(row):
            _put(sheet, MARGIN + column * (CELL + MARGIN), y + tallest, caption, picture)
        y += tallest + CAPTION + MARGIN
    encoded = io.BytesIO()
    sheet.save(encoded, "PNG", optimize=True)
    return encoded.getvalue()


def _put(sheet: Image.Image, x: int, base: int, caption: str, picture: Image.Image) -> None:
    sheet.paste(picture, (x + (CELL - picture.width) // 2, base - picture.height))
    lines = textwrap.wrap(caption, CHARACTERS, max_lines=LINES, placeholder=" …")
    ImageDraw.Draw(sheet).multiline_text((x, base + 8), "\n".join(lines), fill=INK, font=_font())


@functools.cache
def _font() -> ImageFont.FreeTypeFont:
    """Pillow's own face has no accents."""
    with resources.as_file(
        resources.files("font_source_sans_pro") / "files/SourceSansPro-Regular.ttf"
    ) as path:
        return ImageFont.truetype(path, FONT_SIZE)

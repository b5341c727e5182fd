"""The fixed ladder of WebP derivatives: 256, 1024 and 2048 pixels on the longest side, never enlarged."""

import io
from dataclasses import dataclass, replace

from PIL import Image

from libs.imaging import metadata
from libs.imaging.decode import open_rgb

LADDER = (256, 1024, 2048)
QUALITY = 80
METHOD = 4  # the encoder's effort, 0 to 6: more costs time and saves few bytes


@dataclass(frozen=True, slots=True)
class Variant:
    """`rung` is its place on the ladder; a small source fills a rung without reaching its size."""

    rung: int
    data: bytes
    width: int
    height: int
    mime: str = "image/webp"


def make_variants(data: bytes) -> list[Variant]:
    """One for every rung, smallest first; they keep the source's mark of origin, but
    neither its prompts nor any other metadata: they are what is shown to others.

    Blocks for tenths of a second without holding the interpreter: call it in a thread. Transparency stays.
    """
    picture = open_rgb(data, longest_side=LADDER[-1], keep_alpha=True)
    mark = metadata.read(data)
    mark = mark.without_prompts() if mark else None
    variants: list[Variant] = []
    for rung in reversed(LADDER):
        picture.thumbnail((rung, rung), Image.Resampling.LANCZOS, reducing_gap=2.0)
        if variants and picture.size == (variants[-1].width, variants[-1].height):
            variants.append(replace(variants[-1], rung=rung))
        else:
            variants.append(_encode(picture, rung, mark))
    return variants[::-1]


def _encode(picture: Image.Image, rung: int, mark: metadata.Mark | None) -> Variant:
    encoded = io.BytesIO()
    xmp = metadata.packet(mark) if mark else b""
    picture.save(encoded, "WEBP", quality=QUALITY, method=METHOD, xmp=xmp)
    return Variant(rung, encoded.getvalue(), *picture.size)

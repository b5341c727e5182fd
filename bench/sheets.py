"""Everything the local provider paints and draws, on a few pages to look at: `make sheets`."""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import uvloop

from libs.imaging.contact_sheet import contact_sheet
from libs.imaging.decode import inspect
from libs.providers.base import Brief, ImageBlob, ImageRequest, ImageResult
from libs.providers.local.logo.design import MarkName
from libs.providers.local.provider import LocalProvider
from tests.libs.imaging.drawings import encode, mug, photo, shirt

FOLDER = Path("sheets")

SCENES = (
    ("blue mug", "1:1", "product on white background"),
    ("blue mug", "1:1", "marble countertop, soft light"),
    ("blue mug", "4:3", "on a rustic wooden table, warm cosy light"),
    ("red mug", "4:3", "in a forest garden"),
    ("blue mug", "4:3", "beach sand, sunny"),
    ("red mug", "16:9", "city lights at night, neon"),
    ("blue mug", "16:9", "sunset sky"),
    ("red mug", "16:9", "blue sky with clouds"),
    ("red mug", "1:1", "podium, pastel, minimal"),
    ("blue mug", "1:1", "terrazzo"),
    ("blue mug", "1:1", "concrete, dramatic hard light"),
    ("red mug", "4:3", "kitchen tiles, bright"),
    ("blue mug", "1:1", "gradient teal to mint"),
    ("red mug", "1:1", "water, wet surface"),
    ("blue mug", "1:1", "on a mirror, dark and moody"),
    ("blue mug", "1:1", "floating in a blue studio, with shadow"),
    ("T-shirt", "1:1", "flat lay on linen fabric"),
    ("red mug", "4:5", "velvet cloth, burgundy, luxury"),
    ("coffee", "1:1", "marble, from above"),
    ("coffee", "3:2", "dark wood, moody, with reflection"),
    ("blue mug", "9:16", "sage green studio, on the left, close-up"),
)

GARMENTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("green T-shirt", {}),
    ("striped longsleeve", {"colour": (30, 42, 88), "stripes": (235, 235, 228), "long": True}),
    ("pale T-shirt", {"colour": (245, 244, 240), "backdrop": (150, 154, 160)}),
)

BRIEFS = (
    Brief("small batches", "Morning Ember", "small batch coffee", "coffee", ("craft",)),
    Brief("", "Northpeak", "gear that lasts", "outdoor", ("bold",)),
    Brief("", "Lumen AI", None, "software", ("modern",)),
    Brief("", "Verdé", "plant based care", "skincare", ("soft",), ("#2f5d50", "sage", "aubergine")),
    Brief("", "Tidal", None, "surf", ("light",)),
    Brief("", "Brightbox", None, "electric", ("playful",), ("#e8ad00",)),
    Brief("", "Aurum & Co", "since 1974", "jewelry", ("elegant",)),
    Brief("", "Hearth", None, "home", ("corporate",), ("navy",)),
    Brief("", "Café Łódź", None, "café", ("playful",)),
)

EDITS = (
    "make it teal and warmer",
    "horizontal layout, more modern",
    "on a dark background",
    "rounder, remove the tagline",
    "a different icon",
    "icon only",
    'badge, tagline "Roasted daily"',
    "a monogram, stacked, transparent background",
    "elegant, in navy and gold, on a white background",
    "a bigger icon, wider spacing",
    "monochrome",
    "text in red, icon in forest green",
    "thinner letters, a bigger name",
    "change the name to Ember & Sons, no gradient",
    "horizontal, on a navy background",
)

Item = tuple[str, bytes]


async def main() -> None:
    local = LocalProvider()
    try:
        for name, columns, pictures in (
            ("scenes", 4, _scenes(local)),
            ("tryons", 3, _tryons(local)),
            ("logos", 6, _logos(local)),
            ("marks", 6, _marks(local)),
            ("edits", 4, _edits(local)),
        ):
            _write(FOLDER / f"{name}.png", contact_sheet(await pictures, columns=columns))
    finally:
        await local.aclose()


def _write(path: Path, sheet: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(sheet)
    print(path, flush=True)


async def _scenes(local: LocalProvider) -> list[Item]:
    photos = {
        "blue mug": _blob(encode(mug(1024)[0])),
        "red mug": _blob(encode(mug(1024, (190, 60, 40))[0])),
        "T-shirt": _blob(encode(shirt(1024)[0])),
        "coffee": _blob(photo("coffee.png")),
    }
    requests = [
        ImageRequest(words, [photos[product]], ratio, seed=5, index=index)  # type: ignore[arg-type]
        for index, (product, ratio, words) in enumerate(SCENES)
    ]
    return await _all((request.prompt, local.generate(request)) for request in requests)


async def _tryons(local: LocalProvider) -> list[Item]:
    person = replace(_blob(photo("astronaut.png")), role="person")
    garments = [replace(_blob(encode(shirt(1024, **how)[0])), role="garment") for _, how in GARMENTS]
    shown = [(name, garment.data) for (name, _), garment in zip(GARMENTS, garments, strict=True)]
    worn = await _all(
        (f"{name}: placement preview", local.try_on(ImageRequest("", [person, garment])))
        for (name, _), garment in zip(GARMENTS, garments, strict=True)
    )
    return [*shown, *worn]


async def _logos(local: LocalProvider) -> list[Item]:
    return await _all(
        (f"{brief.brand_name}: {brief.industry}, {brief.styles[0]}", local.generate(_logo(brief, index)))
        for brief in BRIEFS
        for index in range(2)
    )


async def _marks(local: LocalProvider) -> list[Item]:
    base = (await local.generate(_logo(BRIEFS[0], 0))).details["design"]
    designs = [
        (mark, {**base, "mark": mark, "layout": "mark", "seed": [seed, 0]})
        for mark in get_args(MarkName)
        for seed in (1, 2)
    ]
    return await _all((mark, local.edit(_edit(design, "tighter spacing"))) for mark, design in designs)


async def _edits(local: LocalProvider) -> list[Item]:
    result = await local.generate(_logo(BRIEFS[0], 0))
    items = [("the parent", result.image.data)]
    for words in EDITS:
        result = await local.edit(_edit(result.details["design"], words))
        items.append((words, result.image.data))
    return items


def _logo(brief: Brief, index: int) -> ImageRequest:
    return ImageRequest("", seed=4, index=index, brief=brief)


def _edit(design: Any, words: str) -> ImageRequest:
    return ImageRequest(words, seed=3, design=design)


async def _all(made: Iterable[tuple[str, Awaitable[ImageResult]]]) -> list[Item]:
    captions, results = zip(*made, strict=True)
    pictures: Sequence[ImageResult] = await asyncio.gather(*results)
    return [(caption, picture.image.data) for caption, picture in zip(captions, pictures, strict=True)]


def _blob(data: bytes) -> ImageBlob:
    info = inspect(data)
    return ImageBlob(data, info.mime, info.width, info.height)


if __name__ == "__main__":
    uvloop.run(main())

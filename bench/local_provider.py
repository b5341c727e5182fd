"""The local provider's steps at 1K on one thread, beside the prototype whose algorithms it took over; memory at 4K.

`LOCAL_PROVIDER_PEER=<folder>` names the prototype's modules (`seg`, `spec`, `scene`, `tryon`, `logo`), which then
run in the same rounds. Without it the prototype's times are those of `PROTOTYPE`: as multiples of a yardstick that
is measured in every round. All times are the processor's, which other programs on the machine change little.
"""

import asyncio
import contextlib
import importlib
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import psutil

from bench.harness import Bar, Measure, check, interleave, report
from libs.imaging.photos import Photo, open_photo
from libs.imaging.pixels import Pixels
from libs.imaging.segmentation import segment
from libs.providers.base import Brief, Hints, ImageBlob, ImageRequest
from libs.providers.local import specification
from libs.providers.local.composite import compose
from libs.providers.local.framing import picture_size
from libs.providers.local.logo.draft import draft
from libs.providers.local.logo.layout import lay_out
from libs.providers.local.logo.render import rasterise
from libs.providers.local.observation import observe
from libs.providers.local.prompt import parse
from libs.providers.local.provider import LocalProvider
from libs.providers.local.tryon.preview import try_on
from tests.libs.imaging.drawings import encode, mug, photo, shirt

PEER = os.environ.get("LOCAL_PROVIDER_PEER")
SLOWER = 1.1  # noise of machines that others use too
SLOWER_THAN_RECORDED = 1.3  # and a yardstick is not the prototype
PROTOTYPE = {
    "segment, plain backdrop": 4.46,
    "segment, busy backdrop": 5.55,
    "specification": 6.82,
    "compose, studio": 1.02,
    "compose, marble": 2.95,
    "compose, city": 1.17,
    "try-on": 16.38,
    "logo": 0.27,
}
"""In yardsticks: medians of 7 rounds with `LOCAL_PROVIDER_PEER`, two shared cores (Xeon, 2.8 GHz), 2026-11-21."""
ONE_AT_4K, FOUR_AT_4K = 1200, 1400
"""Megabytes: large work is done one at a time, so four may take little more than one."""
SCENES = {"studio": "white background", "marble": "marble countertop", "city": "city lights at night"}
SIDE = 1024

Steps = dict[str, Callable[[], object]]


async def main() -> bool:
    cv2.setNumThreads(1)
    plain = mug(SIDE)[0]
    busy = open_photo(photo("coffee.png"), SIDE).rgb
    ours = _ours(plain, busy)
    peers = _peers(PEER, plain, busy) if PEER else {}
    prototype, bar = ("prototype", SLOWER) if peers else ("prototype, as recorded", SLOWER_THAN_RECORDED)
    if not peers:
        print(
            "\nLOCAL_PROVIDER_PEER names no folder, so the prototype does not run: its times are recorded ones"
        )
    met = True
    for name, step in ours.items():
        step()  # fonts, cascades and the like are read once
        other = _milliseconds(peers[name]) if peers else _recorded(name)
        candidates = {name: _milliseconds(step), prototype: other}
        if peers:
            candidates["yardstick"] = _milliseconds(yardstick)
        results = await interleave(candidates)
        met &= report(name, "ms", results, [Bar(name, prototype, bar, lower=True)])
    return met & await _memory()


def _ours(plain: Pixels, busy: Pixels) -> Steps:
    cut, file = segment(plain), encode(plain)
    steps: Steps = {
        "segment, plain backdrop": lambda: segment(plain),
        "segment, busy backdrop": lambda: segment(busy),
        "specification": lambda: specification.build([observe(file)], Hints()),
    }
    person, top = open_photo(photo("astronaut.png"), SIDE), Photo(shirt(SIDE)[0])
    steps["try-on"] = lambda: try_on(person, [top])
    design = draft(Brief("", "Northpeak", "gear that lasts", "outdoor", ("bold",)), 4, 0)
    steps["logo"] = lambda: rasterise(lay_out(design, SIDE, SIDE))
    for scene, prompt in SCENES.items():
        steps[f"compose, {scene}"] = partial(compose, cut, parse(prompt), picture_size("1:1", "1K"), 5, 0)
    return steps


def _peers(folder: str, plain: Pixels, busy: Pixels) -> Steps:
    sys.path.insert(0, str(Path(folder)))
    names = ("seg", "spec", "scene", "tryon", "logo")
    seg, spec, scene, tryon, logo = (importlib.import_module(name) for name in names)
    person, top = open_photo(photo("astronaut.png"), SIDE).rgb, shirt(SIDE)[0]
    brief = {"name": "Northpeak", "tagline": "gear that lasts", "industry": "outdoor", "style": "bold"}
    design = logo.design(brief, 4, 0)
    cut, file = seg.segment(plain), encode(plain)
    steps: Steps = {
        "segment, plain backdrop": lambda: seg.segment(plain),
        "segment, busy backdrop": lambda: seg.segment(busy),
        "specification": lambda: spec.build(open_photo(file, SIDE).rgb),
        "try-on": lambda: tryon.try_on(person, [top]),
        "logo": lambda: logo.render(design, SIDE, SIDE),
    }
    for name, prompt in SCENES.items():
        steps[f"compose, {name}"] = partial(scene.generate, cut, prompt, "1:1", "1K", 5, 0)
    return steps


def _milliseconds(step: Callable[[], object]) -> Measure:
    async def measure() -> float:
        started = time.process_time()
        step()
        return (time.process_time() - started) * 1000

    return measure


def yardstick() -> None:
    """What the steps consist of, as far as it is OpenCV's and NumPy's; another machine is faster in both alike."""
    noise = np.random.default_rng(5).integers(0, 256, (320, 320, 3), np.uint8)
    mask = np.zeros(noise.shape[:2], np.uint8)
    cv2.setRNGSeed(5)
    cv2.grabCut(
        noise, mask, (60, 60, 200, 200), np.zeros((1, 65)), np.zeros((1, 65)), 1, cv2.GC_INIT_WITH_RECT
    )
    plane = cv2.resize(noise, (SIDE, SIDE)).astype(np.float32)
    for sigma in (2, 8):
        plane += np.exp(-cv2.GaussianBlur(plane, (0, 0), sigma) / 255)


def _recorded(name: str) -> Measure:
    measured = _milliseconds(yardstick)

    async def measure() -> float:
        return PROTOTYPE[name] * await measured()

    return measure


async def _memory() -> bool:
    """Of the processes of a pool, and what this one takes meanwhile, for one picture in 4K and for four at once."""
    side = 2 * SIDE
    product = ImageBlob(encode(mug(side)[0]), "image/png", side, side)
    met = True
    print("\nmemory for pictures in 4K (resident, MB)")
    for count, limit in ((1, ONE_AT_4K), (4, FOUR_AT_4K)):
        local = LocalProvider(2)
        requests = [
            ImageRequest(SCENES["marble"], [product], "1:1", "4K", 5, index) for index in range(count)
        ]
        work = asyncio.gather(*map(local.generate, requests))
        met &= check(f"{count} at once", await _peak(work), "MB", limit)
        await local.aclose()
    return met


async def _peak(work: "asyncio.Future[object]") -> float:
    this = psutil.Process()
    before = this.memory_info().rss
    most = 0
    while not work.done():
        held = this.memory_info().rss - before
        for child in this.children():
            with contextlib.suppress(psutil.Error):
                held += child.memory_info().rss
        most = max(most, held)
        await asyncio.wait([work], timeout=0.05)
    work.result()
    return most / 2**20

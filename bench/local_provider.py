"""The local provider's steps at 1K on one thread, beside the prototype whose algorithms it took over.

`LOCAL_PROVIDER_PEER=<folder>` names the prototype's modules (`seg`, `spec`, `scene`, `tryon`, `logo`), which then
run in the same rounds. Without it the prototype's times are those of `PROTOTYPE_MS`. All times are the processor's,
which other programs on the machine change little.
"""

import importlib
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2

from bench.harness import Bar, Measure, interleave, report
from libs.imaging.pixels import Pixels
from libs.imaging.segmentation import segment
from libs.providers.base import Brief, Hints
from libs.providers.local import specification
from libs.providers.local.composite import compose
from libs.providers.local.framing import picture_size
from libs.providers.local.logo.draft import draft
from libs.providers.local.logo.layout import lay_out
from libs.providers.local.logo.render import rasterise
from libs.providers.local.observation import decode, observe
from libs.providers.local.prompt import parse
from libs.providers.local.tryon.preview import try_on
from tests.libs.imaging.drawings import encode, mug, photo, shirt

PEER = os.environ.get("LOCAL_PROVIDER_PEER")
SLOWER = 1.1  # noise of machines that others use too
PROTOTYPE_MS = {
    "segment, plain backdrop": 1080.0,
    "segment, busy backdrop": 1303.0,
    "specification": 1636.0,
    "compose, studio": 276.0,
    "compose, marble": 793.0,
    "compose, city": 338.0,
    "try-on": 4459.0,
    "logo": 83.0,
}
"""Medians of 7 rounds with `LOCAL_PROVIDER_PEER`, two shared cores (Xeon, 2.8 GHz), 2026-11-21."""
SCENES = {"studio": "white background", "marble": "marble countertop", "city": "city lights at night"}
SIDE = 1024

Steps = dict[str, Callable[[], object]]


async def main() -> bool:
    cv2.setNumThreads(1)
    plain = mug(SIDE)[0]
    busy = decode(photo("coffee.png"), SIDE)
    ours = _ours(plain, busy)
    peers = _peers(PEER, plain, busy) if PEER else {}
    met = True
    for name, step in ours.items():
        step()  # fonts, cascades and the like are read once
        prototype = _milliseconds(peers[name]) if peers else _constant(PROTOTYPE_MS[name])
        results = await interleave({name: _milliseconds(step), "prototype": prototype})
        met &= report(name, "ms", results, [Bar(name, "prototype", SLOWER, lower=True)])
    return met


def _ours(plain: Pixels, busy: Pixels) -> Steps:
    cut, file = segment(plain), encode(plain)
    steps: Steps = {
        "segment, plain backdrop": lambda: segment(plain),
        "segment, busy backdrop": lambda: segment(busy),
        "specification": lambda: specification.build([observe(file)], Hints()),
    }
    person, top = decode(photo("astronaut.png"), SIDE), shirt(SIDE)[0]
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
    person, top = decode(photo("astronaut.png"), SIDE), shirt(SIDE)[0]
    brief = {"name": "Northpeak", "tagline": "gear that lasts", "industry": "outdoor", "style": "bold"}
    design = logo.design(brief, 4, 0)
    cut, file = seg.segment(plain), encode(plain)
    steps: Steps = {
        "segment, plain backdrop": lambda: seg.segment(plain),
        "segment, busy backdrop": lambda: seg.segment(busy),
        "specification": lambda: spec.build(decode(file, SIDE)),
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


def _constant(milliseconds: float) -> Measure:
    async def measure() -> float:
        return milliseconds

    return measure

"""The local provider's steps at 1K on one thread, beside another implementation of the same algorithms.

`LOCAL_PROVIDER_PEER=<folder>` names that one's, with the modules `seg`, `spec` and `scene`; without it there
are times only.
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
from libs.providers.base import Hints
from libs.providers.local import specification
from libs.providers.local.composite import compose
from libs.providers.local.framing import picture_size
from libs.providers.local.observation import decode, observe
from libs.providers.local.prompt import parse
from tests.libs.imaging.drawings import encode, mug, photo

PEER = os.environ.get("LOCAL_PROVIDER_PEER")
SLOWER = 1.1  # noise of machines that others use too
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
        candidates = {name: _milliseconds(step)}
        if name in peers:
            candidates["peer"] = _milliseconds(peers[name])
        bars = [Bar(name, "peer", SLOWER, lower=True)] if name in peers else []
        met &= report(name, "ms", await interleave(candidates), bars)
    return met


def _ours(plain: Pixels, busy: Pixels) -> Steps:
    cut, file = segment(plain), encode(plain)
    steps: Steps = {
        "segment, plain backdrop": lambda: segment(plain),
        "segment, busy backdrop": lambda: segment(busy),
        "specification": lambda: specification.build([observe(file)], Hints()),
    }
    for scene, prompt in SCENES.items():
        steps[f"compose, {scene}"] = partial(compose, cut, parse(prompt), picture_size("1:1", "1K"), 5, 0)
    return steps


def _peers(folder: str, plain: Pixels, busy: Pixels) -> Steps:
    sys.path.insert(0, str(Path(folder)))
    seg, spec, scene = (importlib.import_module(name) for name in ("seg", "spec", "scene"))
    cut, file = seg.segment(plain), encode(plain)
    steps: Steps = {
        "segment, plain backdrop": lambda: seg.segment(plain),
        "segment, busy backdrop": lambda: seg.segment(busy),
        "specification": lambda: spec.build(decode(file, SIDE)),
    }
    for name, prompt in SCENES.items():
        steps[f"compose, {name}"] = partial(scene.generate, cut, prompt, "1:1", "1K", 5, 0)
    return steps


def _milliseconds(step: Callable[[], object]) -> Measure:
    async def measure() -> float:
        started = time.perf_counter()
        step()
        return (time.perf_counter() - started) * 1000

    return measure

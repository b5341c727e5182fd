"""Scenes without a place: sweeps, gradients, and a floor before a wall."""

from collections.abc import Sequence

import numpy as np

from libs.imaging.pixels import Pixels
from libs.providers.local.noise import Tone, colour, lit, mix
from libs.providers.local.prompt import Rgb
from libs.providers.local.stage import Stage, on_floor

STUDIO_WHITE, STUDIO_GREY, STUDIO_DARK = (243, 242, 240), (196, 197, 199), (52, 54, 60)


def studio(stage: Stage) -> tuple[Pixels, float]:
    """A seamless sweep in one colour, a gradient where two are named, a corner where floor and wall are."""
    backdrop = stage.distance
    if stage.plan.surface and backdrop:
        return _corner(stage, colour(backdrop[0]), colour(stage.plan.surface[0])), 0.05
    tones = [colour(tone) for tone in (*stage.plan.surface, *backdrop)]
    gradient = stage.plan.scene == "gradient" or len(tones) >= 2
    return (_gradient(stage, tones) if gradient else _sweep(stage, tones)), 0.05


def mirror(stage: Stage) -> tuple[Pixels, float]:
    image, _ = studio(stage)
    return image, 0.60


def _corner(stage: Stage, wall: Tone, floor: Tone) -> Pixels:
    shaded = lit(colour(floor), 0.90 + 0.14 * np.exp(stage.centre_light(0.1, 0.45)))
    return on_floor(lit(colour(wall), 0.80 + 0.26 * stage.spotlight()), shaded, stage.y, stage.floor_y - 0.2)


def _gradient(stage: Stage, tones: Sequence[Tone]) -> Pixels:
    first = colour(tones[0] if tones else stage.hero)
    if len(tones) > 1:
        second = colour(tones[1])
    else:
        second = np.clip(first * 0.45 + 255 * 0.55, 0, 255) if first.mean() < 150 else first * 0.72
    angle = stage.rng.uniform(-0.5, 0.5)
    share = 0.5 + (stage.y - 0.5) * np.cos(angle) * 1.05 + (stage.x - 0.5) * np.sin(angle) * 1.05
    share = np.clip(share, 0, 1)
    share = share * share * (3 - 2 * share)
    return lit(mix(first, second, share[..., None]), 0.93 + 0.14 * stage.spotlight())


def _sweep(stage: Stage, tones: Sequence[Tone]) -> Pixels:
    base = colour(tones[0] if tones else _unasked(stage))
    shade = base * (0.80 if base.mean() > 90 else 0.45)
    light = np.clip(0.22 + 0.95 * stage.spotlight(), 0, 1)[..., None]
    wall = mix(shade, np.clip(base * 1.04 + 3, 0, 255), light)
    floor = np.clip(lit(base, 0.93 + 0.12 * np.exp(stage.centre_light(0.1, 0.45))), 0, 255)
    transition = np.clip((stage.y - stage.floor_y + 0.10) / 0.22, 0, 1)[..., None]
    return mix(wall, floor, transition * 0.85)


def _unasked(stage: Stage) -> Rgb:
    if stage.dark:
        return STUDIO_DARK
    return STUDIO_GREY if "white" in stage.plan.excluded else STUDIO_WHITE

"""The empty scene: wall and floor, sky, lights or studio sweep, before the product stands in it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from libs.imaging.pixels import Pixels, gaussian, resize, wide_blur
from libs.providers.local.bokeh import paint_bokeh
from libs.providers.local.noise import Tone, colour, draw_seed, grid, lit, mix, sample
from libs.providers.local.prompt import Plan, Rgb
from libs.providers.local.stage import DIMMED, Stage, mean_below, on_floor
from libs.providers.local.studio import mirror, studio
from libs.providers.local.surfaces import SURFACES, concrete, sand, tiles, wood
from libs.providers.local.vocabulary import SCENES

WALLS: Mapping[str, Rgb] = {
    "marble": (214, 211, 207),
    "wood": (205, 197, 188),
    "concrete": (172, 173, 174),
    "sand": (188, 214, 228),
    "fabric": (225, 218, 208),
    "terrazzo": (226, 216, 208),
    "kitchen": (226, 228, 226),
}
GLOSS: Mapping[str, float] = {"marble": 0.20, "kitchen": 0.16, "terrazzo": 0.14, "wood": 0.06}
FOREST_LIGHTS = ((120, 160, 70), (70, 120, 50), (190, 200, 110), (40, 84, 40), (225, 225, 160))
CITY_LIGHTS = ((255, 186, 92), (255, 110, 80), (90, 150, 255), (240, 90, 200), (255, 232, 190))
SUNSET_SKY = ((36, 42, 92), (160, 84, 120), (250, 150, 96), (255, 212, 150))
DAY_SKY = ((74, 132, 200), (128, 178, 226), (190, 216, 238), (232, 240, 246))


@dataclass(frozen=True, slots=True)
class Backdrop:
    """`image` is float32, 0 to 255; `key_light` is the side of the main light, -1 to 1."""

    image: Pixels
    gloss: float
    key_light: float


def paint(
    plan: Plan, width: int, height: int, floor_y: float, hero: Rgb, rng: np.random.Generator
) -> Backdrop:
    x, y = grid(width, height)
    key_light = float(rng.choice([-1, 1]) * rng.uniform(0.45, 0.95))
    stage = Stage(plan, x, y, width / height, floor_y, key_light, hero, rng)
    if plan.scene in SURFACES:
        image, gloss = _flat_lay(stage) if plan.view == "top" else _table_top(stage)
    else:
        image, gloss = PAINTERS.get(plan.scene, studio)(stage)
    return Backdrop(np.clip(image, 0, 255).astype(np.float32), gloss, key_light)


def _flat_lay(stage: Stage) -> tuple[Pixels, float]:
    zoom = 2.4
    u = (stage.x - 0.5) * stage.aspect * zoom + stage.rng.uniform(0, 5)
    v = stage.y * zoom + stage.rng.uniform(0, 5)
    surface = SURFACES[stage.plan.scene](u, v, stage.rng, stage.tint)
    across = (stage.x - 0.5 + 0.3 * stage.key_light) * stage.aspect
    return lit(surface, 0.86 + 0.24 * np.exp(-(across**2 + (stage.y - 0.3) ** 2) / 0.8)), 0.0


def _table_top(stage: Stage) -> tuple[Pixels, float]:
    scene, horizon = stage.plan.scene, stage.floor_y - 0.30
    wall = _wall(stage)
    u, v = stage.floor_plane(horizon, 1e-3)
    floor = SURFACES[scene](u, v, stage.rng, stage.tint)
    distance = 0.42 / np.maximum(stage.y - horizon, 1e-3)
    fading = np.clip((distance - 1.1) / 3.0, 0, 1)[..., None]  # detail fades before it aliases
    floor = mix(floor, mean_below(floor, 0.8), fading)
    towards = (stage.y - stage.floor_y) ** 2 / 0.16
    dimmed = DIMMED if stage.dark and stage.tint is None else 1.0
    floor = lit(floor, dimmed * (0.80 + 0.30 * np.exp(stage.centre_light(0.15, 0.5) - towards)))
    back_edge = np.clip((stage.y - horizon - 0.012) / 0.03, 0, 1)[..., None]
    occlusion = 1 - 0.12 * np.exp(-(((stage.y - horizon) / 0.05) ** 2))
    return lit(mix(wall, floor, back_edge), occlusion), GLOSS.get(scene, 0.0)


def _wall(stage: Stage) -> Pixels:
    scene, spotlight = stage.plan.scene, stage.spotlight()
    tone = colour(stage.far or WALLS[scene]) * (DIMMED if stage.dark and stage.far is None else 1.0)
    wall = lit(tone, 0.80 + 0.26 * spotlight)
    if scene == "kitchen" and stage.far is None:
        across, up = (stage.x - 0.5) * stage.aspect * 5 + 0.2, stage.y * 5
        tiled = gaussian(
            tiles(across, up, stage.rng, (236, 238, 236)).astype(np.float32), 0.0045 * stage.height
        )
        return lit(tiled, (DIMMED if stage.dark else 1.0) * (0.82 + 0.25 * spotlight))
    if scene == "wood" and stage.far is None:
        lights = [tone * 1.15, colour((255, 240, 215)), tone * 0.7]
        size = (stage.x.shape[1] // 4, stage.height // 4)
        glow = paint_bokeh(size, stage.rng, tone * 0.9, tone * 0.8, lights, 14, (0.06, 0.16), 0.03, 0.5)
        return 0.55 * wall + 0.45 * resize(glow, wall, cv2.INTER_CUBIC)
    return wall


def _forest(stage: Stage) -> tuple[Pixels, float]:
    top, bottom, lights = _tinted(stage, (96, 128, 70), (54, 82, 44), *FOREST_LIGHTS)
    trees = _distant_lights(stage, top, bottom, lights, 70, (0.03, 0.13), 0.012, 1.0)
    horizon = stage.floor_y - 0.16
    planks = "wood" not in {SCENES.get(word) for word in stage.plan.excluded}
    boards, tone = (wood, (134, 100, 70)) if planks else (concrete, (150, 144, 130))
    floor = boards(*stage.floor_plane(horizon), stage.rng, stage.ground or tone)
    return on_floor(trees, floor, stage.y, horizon), 0.03


def _city(stage: Stage) -> tuple[Pixels, float]:
    colours = [*stage.plan.lights, *stage.distance]
    lights = [*colours, (255, 220, 170)] if colours else list(CITY_LIGHTS)
    street = _distant_lights(stage, (20, 22, 42), (10, 10, 20), lights, 80, (0.02, 0.10), 0.0075, 0.95)
    horizon = stage.floor_y - 0.12
    floor = lit(colour(stage.ground or (22, 22, 30)), 1 + 0.4 * np.exp(-(((stage.y - horizon) / 0.10) ** 2)))
    mirrored = wide_blur(np.ascontiguousarray(street[::-1]), 0.012 * stage.x.shape[1], 0.05 * stage.height)
    mirrored = np.roll(mirrored, int(stage.height * (2 * horizon - 1)), 0)
    floor = floor + 0.42 * lit(mirrored, np.exp(-np.clip(stage.y - horizon, 0, 1) / 0.35))
    return on_floor(street, floor, stage.y, horizon), 0.34


def _tinted(stage: Stage, top: Rgb, bottom: Rgb, *lights: Rgb) -> tuple[Tone, Tone, list[Tone]]:
    """Half in the colours that the distance is asked for in."""
    if not stage.distance:
        return top, bottom, list(lights)
    tones = [colour(tone) for tone in stage.distance]
    own: list[Tone] = [
        mix(colour(light), tones[index % len(tones)], 0.6) for index, light in enumerate(lights)
    ]
    return mix(colour(top), tones[0], 0.5), mix(colour(bottom), tones[-1] * 0.6, 0.5), own


def _distant_lights(
    stage: Stage,
    top: Tone,
    bottom: Tone,
    lights: Sequence[Tone],
    count: int,
    radii: tuple[float, float],
    blur: float,
    glow: float,
) -> Pixels:
    size = (stage.x.shape[1] // 3, stage.height // 3)
    small = paint_bokeh(size, stage.rng, top, bottom, lights, count, radii, blur, glow)
    return resize(small, stage.x, cv2.INTER_CUBIC)


def _sunset(stage: Stage) -> tuple[Pixels, float]:
    return _sky(stage, SUNSET_SKY, cloudiness=0.45, ground=(176, 120, 92))


def _day_sky(stage: Stage) -> tuple[Pixels, float]:
    return _sky(stage, DAY_SKY, cloudiness=0.8, ground=(216, 206, 190))


def _sky(stage: Stage, bands: Sequence[Rgb], cloudiness: float, ground: Rgb) -> tuple[Pixels, float]:
    x, y = stage.x, stage.y
    position = np.clip(y / max(0.2, stage.floor_y - 0.1), 0, 1) * 3
    band = np.clip(np.floor(position), 0, 2).astype(int)
    tones = np.array(bands, np.float32)
    for place, asked in enumerate(stage.distance[:2]):
        tones[2 * place :] = mix(tones[2 * place :], colour(asked), 0.6)
    sky = mix(tones[band], tones[band + 1], (position - band)[..., None])
    seed = draw_seed(stage.rng)
    clouds = sample(seed, x * stage.aspect * 0.55, y * 1.5) * 0.7
    clouds += 0.4 * sample(seed + 1, x * stage.aspect * 1.3, y * 3.4)
    clouds = np.clip((clouds - 0.12) * 1.6, 0, 1) * np.exp(-(((y - 0.35) / 0.33) ** 2))
    sky = mix(sky, colour((255, 236, 222)), (clouds * cloudiness)[..., None])
    sky = gaussian(sky.astype(np.float32), 0.006 * stage.height)
    horizon = stage.floor_y - 0.18
    floor = sand(*stage.floor_plane(horizon), stage.rng, stage.ground or ground)
    return on_floor(sky, floor, y, horizon), 0.0


def _water(stage: Stage) -> tuple[Pixels, float]:
    base = colour(stage.tint or (150, 196, 214)) * (DIMMED if stage.dark and stage.tint is None else 1.0)
    wall = lit(base if stage.far is None else colour(stage.far), 0.9 + 0.25 * stage.spotlight())
    seed, horizon = draw_seed(stage.rng), stage.floor_y - 0.24
    u, v = stage.floor_plane(horizon)
    waves = sample(seed, u * 0.5, v * 0.9) + 0.5 * sample(seed + 1, u * 1.4, v * 2.4)
    glints = 120 * np.clip(waves - 0.55, 0, 1)[..., None] ** 2
    return on_floor(wall, lit(base, 0.84 + 0.14 * waves) + glints, stage.y, horizon), 0.38


PAINTERS: Mapping[str, Callable[[Stage], tuple[Pixels, float]]] = {
    "forest": _forest,
    "city": _city,
    "sunset": _sunset,
    "sky": _day_sky,
    "water": _water,
    "mirror": mirror,
}
"""Scenes that are not one of `SURFACES`; everything else is a studio."""

"""Materials on a plane: from coordinates (about one unit per product width) to colours, 0 to 255."""

from collections.abc import Callable, Mapping

import numpy as np

from libs.imaging.pixels import Pixels, Plane
from libs.providers.local.noise import Tone, colour, draw_seed, lit, mix, sample, scatter

Surface = Callable[[Plane, Plane, np.random.Generator, Tone | None], Pixels]

MARBLE_VEINS = (
    # frequency, width, strength, wander
    (0.17, 0.016, 0.85, 0.16),
    (0.31, 0.010, 0.55, 0.12),
    (0.62, 0.007, 0.32, 0.07),
)
PLANK_WIDTH, PLANK_LENGTH = 0.42, 3.2
TERRAZZO_CHIPS = ((196, 120, 92), (96, 120, 128), (222, 180, 120), (70, 74, 80), (232, 206, 196))
TILES_PER_UNIT = 1.1


def marble(u: Plane, v: Plane, rng: np.random.Generator, tint: Tone | None) -> Pixels:
    """Thin wandering veins are the zero level sets of smooth noise."""
    seed = draw_seed(rng)

    def noise(layer: int, frequency: float, offset: float = 0.0, smoothness: float = 1.9) -> Plane:
        return sample(seed + layer, u * frequency + offset, v * frequency, smoothness)

    wander_u, wander_v = noise(0, 0.21), noise(1, 0.21, 0.37)
    base = colour((240, 238, 235) if tint is None else tint)
    vein = base * 0.55 if base.mean() > 110 else np.clip(base + 110, 0, 240)
    stone = lit(base, 1 - 0.05 * np.clip(noise(2, 0.33), -1, 1) - 0.022 * noise(3, 1.1, 0.2, 1.35))
    for layer, (frequency, width, strength, wander) in enumerate(MARBLE_VEINS):
        along = u * frequency * 1.25 + wander * wander_u
        across = v * frequency * 0.75 + wander * wander_v + 0.17 * layer
        level = np.abs(sample(seed + 10 + layer, along, across, 2.1))
        line, halo = np.exp(-level / width), np.exp(-level / (width * 7))
        presence = np.clip(0.35 + 0.9 * noise(20 + layer, 0.4, 0.6 * layer), 0, 1)
        stone = mix(stone, vein, (strength * presence * (0.72 * line + 0.20 * halo))[..., None])
    return stone


def wood(u: Plane, v: Plane, rng: np.random.Generator, tint: Tone | None) -> Pixels:
    """Planks along v, each with its own shift, tone and rings."""
    seed = draw_seed(rng)
    plank, across = np.divmod(u / PLANK_WIDTH, 1)
    shifted = v + scatter(plank * 12.9898, seed % 97) * 7.3
    board, along = np.divmod(shifted / PLANK_LENGTH, 1)
    own = scatter(plank * 78.233, board * 37.719, seed % 31)
    warp = sample(seed, u * 0.5 + own, shifted * 0.16 + own)
    rings = np.sin((u * 6.0 + 2.2 * warp + own * 9) * 2 * np.pi) * (0.5 + 0.5 * np.clip(warp + 0.5, 0, 1))
    grain, fine = sample(seed + 1, u * 3.5 + own * 3, shifted * 0.22), sample(seed + 2, u * 11, shifted * 0.5)
    tone = np.clip(0.5 + 0.16 * rings + 0.26 * grain + 0.14 * fine, 0, 1)
    base = colour((176, 124, 78) if tint is None else tint)
    boards = lit(mix(base * 0.62, np.clip(base * 1.22 + 8, 0, 250), tone[..., None]), 0.86 + 0.28 * own)
    gap = np.minimum(
        np.minimum(across, 1 - across) * PLANK_WIDTH, np.minimum(along, 1 - along) * PLANK_LENGTH
    )
    return lit(boards, 1 - 0.72 * np.exp(-((gap / 0.008) ** 2)))


def concrete(u: Plane, v: Plane, rng: np.random.Generator, tint: Tone | None) -> Pixels:
    seed = draw_seed(rng)
    clouds = 0.55 * sample(seed, u * 0.5, v * 0.5) + 0.3 * sample(seed + 1, u * 2, v * 2)
    clouds += 0.25 * sample(seed + 2, u * 7, v * 7)
    pits = np.clip(sample(seed + 3, u * 4, v * 4) - 0.78, 0, 1) * 2.2
    return lit(colour((158, 157, 154) if tint is None else tint), 1 + 0.13 * clouds - 0.25 * pits)


def sand(u: Plane, v: Plane, rng: np.random.Generator, tint: Tone | None) -> Pixels:
    seed = draw_seed(rng)
    dunes = sample(seed, u * 0.23, v * 0.23, 2.0)
    ripples = np.sin((v * 2.1 + 0.35 * u + 2.2 * dunes) * 2 * np.pi) * (
        0.5 + 0.5 * np.clip(dunes + 0.3, 0, 1)
    )
    grains = sample(seed + 1, u * 1.7 + 0.61 * v, v * 1.7 - 0.61 * u, 0.6)
    grains += 0.6 * sample(seed + 2, u * 2.9 - v, v * 2.9 + u, 0.6)
    base = colour((222, 197, 158) if tint is None else tint)
    return lit(base, 1 + 0.055 * ripples + 0.035 * grains + 0.06 * dunes)


def fabric(u: Plane, v: Plane, rng: np.random.Generator, tint: Tone | None) -> Pixels:
    seed = draw_seed(rng)
    warp = sample(seed, u * 0.2, v * 0.2, 2.4)
    across, along = u * 0.34 + 0.2 * warp, v * 0.13 + 0.3 * warp
    fold = sample(seed + 1, across, along, 2.6)
    slope = (sample(seed + 1, across + 0.01, along, 2.6) - fold) / 0.01
    weave = sample(seed + 2, u * 0.45, v * 5, 0.45) + sample(seed + 3, u * 5, v * 0.45, 0.45)
    base = colour((221, 211, 195) if tint is None else tint)
    return lit(base, 1 + 0.03 * fold + 0.007 * np.clip(slope, -4, 4) + 0.05 * weave)


def terrazzo(u: Plane, v: Plane, rng: np.random.Generator, tint: Tone | None) -> Pixels:
    stone = colour((240, 236, 230) if tint is None else tint) * np.ones((*u.shape, 1), np.float32)
    seed = draw_seed(rng)
    for layer, chip in enumerate(TERRAZZO_CHIPS):
        # Noise repeats; two layers at different angles do not.
        coarse, fine = _turned(u, v, 0.6 * layer + 0.3), _turned(u, v, 0.7 * layer + 1.2)
        shape = sample(seed + 2 * layer, coarse[0] * 1.9, coarse[1] * 1.9, 2.0) * 0.6
        shape += sample(seed + 2 * layer + 1, fine[0] * 3.7, fine[1] * 3.7, 2.0) * 0.8
        stone = mix(stone, colour(chip), np.clip((shape - 0.62) * 30, 0, 1)[..., None])
    return lit(stone, 1 + 0.02 * sample(seed + 99, u * 8, v * 8))


def _turned(u: Plane, v: Plane, angle: float) -> tuple[Plane, Plane]:
    cosine, sine = float(np.cos(angle)), float(np.sin(angle))
    return u * cosine - v * sine, u * sine + v * cosine


def tiles(u: Plane, v: Plane, rng: np.random.Generator, tint: Tone | None) -> Pixels:
    seed = draw_seed(rng)
    column, across = np.divmod(u * TILES_PER_UNIT, 1)
    row, along = np.divmod(v * TILES_PER_UNIT, 1)
    shade = scatter(column * 12.99, row * 78.2, seed % 13)
    base = colour((232, 234, 232) if tint is None else tint)
    tile = lit(base, 0.95 + 0.07 * shade + 0.02 * sample(seed, u, v))
    from_joint = np.minimum(np.minimum(across, 1 - across), np.minimum(along, 1 - along))
    return mix(tile * 0.78, tile, np.clip((from_joint - 0.012) * 60, 0, 1)[..., None])


SURFACES: Mapping[str, Surface] = {
    "marble": marble,
    "wood": wood,
    "concrete": concrete,
    "sand": sand,
    "fabric": fabric,
    "terrazzo": terrazzo,
    "kitchen": tiles,
}

"""What every painter of an empty scene needs: the plan, coordinates, light, and a floor in perspective."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from libs.imaging.pixels import Pixels, Plane
from libs.providers.local.noise import lit, mix
from libs.providers.local.prompt import Plan, Rgb

DIMMED = 0.5
"""What a dark scene leaves of surfaces and walls in colours that nobody asked for."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What every painter needs; x and y run from 0 to 1 over the picture."""

    plan: Plan
    x: Plane
    y: Plane
    aspect: float
    floor_y: float
    """Where the product stands."""
    key_light: float
    hero: Rgb
    """The product's median colour."""
    rng: np.random.Generator

    @property
    def tint(self) -> Rgb | None:
        """Of what the product stands on."""
        return next(iter([*self.plan.surface, *self.plan.colours]), None)

    @property
    def far(self) -> Rgb | None:
        """Of what is behind it: asked for by itself, or as a second colour."""
        free = self.plan.colours[0 if self.plan.surface else 1 :]
        return next(iter([*self.plan.wall, *free]), None)

    @property
    def ground(self) -> Rgb | None:
        """Out of doors, where a colour that goes with no noun is that of the distance."""
        return next(iter(self.plan.surface), None)

    @property
    def distance(self) -> list[Rgb]:
        return [*self.plan.wall, *self.plan.colours]

    @property
    def dark(self) -> bool:
        return self.plan.light == "dark"

    @property
    def height(self) -> int:
        return len(self.y)

    def spotlight(self) -> Plane:
        """A soft light on the wall behind the product."""
        across = (self.x - 0.5 - 0.12 * self.key_light) * self.aspect
        return np.asarray(np.exp(-(across**2 + (self.y - self.floor_y * 0.62) ** 2) / 0.34))

    def floor_plane(self, horizon: float, nearest: float = 2e-3) -> tuple[Plane, Plane]:
        """Coordinates on a floor seen in perspective, at a random place of it."""
        depth = 0.42 / np.maximum(self.y - horizon, nearest) * 1.55
        across = (self.x - 0.5) * self.aspect * depth + self.rng.uniform(0, 9)
        return across, depth + self.rng.uniform(0, 9)

    def centre_light(self, offset: float, spread: float) -> Plane:
        across = (self.x - 0.5 - offset * self.key_light) * self.aspect
        return np.asarray(-(across**2) / spread)


def on_floor(wall: Pixels, floor: Pixels, y: Plane, horizon: float) -> Pixels:
    nearness = np.clip((y - horizon) / 0.10, 0, 1)[..., None]
    floor = mix(mean_below(floor, 0.85) * 0.9, floor, nearness)
    edge = np.clip((y - horizon) / 0.025, 0, 1)[..., None]
    return lit(mix(wall, floor, edge), 1 - 0.22 * np.exp(-(((y - horizon) / 0.03) ** 2)))


def mean_below(image: Pixels, share: float) -> npt.NDArray[Any]:
    return np.asarray(image[int(len(image) * share) :].reshape(-1, 3).mean(0))

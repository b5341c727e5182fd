"""The product in a painted scene. Same photo, words, size, seed and index: same pixels."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from libs.imaging.pixels import Pixels, Plane, gaussian, to_bytes, to_lab, wide_blur
from libs.imaging.segmentation import Cutout
from libs.providers.local import backdrops
from libs.providers.local.framing import Frame, frame
from libs.providers.local.noise import Tone, colour, mix
from libs.providers.local.prompt import Plan, Rgb
from libs.providers.local.separation import darkness, light_up, rim_light
from libs.providers.local.shadows import reflect, shadow

PAINTED_SIDE = 2048  # larger pictures enlarge their backdrop, which is soft, and get grain at full size
HIGHEST_CHROMA = 46.0
ENLARGED = 1.6
SHADOW_TINT = np.array([0.92, 0.96, 1.0], np.float32)  # shadows keep a little of the surface's colour
WARMTH = np.array([0.055, 0.005, -0.075], np.float32)
GRAIN = 1.15  # of 255; also hides banding


@dataclass(frozen=True, slots=True)
class Composition:
    image: Pixels
    product_scale: float
    warnings: tuple[str, ...]


def compose(cut: Cutout, plan: Plan, size: tuple[int, int], seed: int, index: int) -> Composition:
    """`size` is width and height."""
    rng = np.random.default_rng([seed, index])
    plan = _printable(plan)
    x, y, width, height = cut.box()
    photo, cover = cut.rgb[y : y + height, x : x + width], cut.alpha[y : y + height, x : x + width]
    view = frame(plan, size, (width, height), index, rng)
    image, backdrop = _paint(plan, view, _hero(photo, cover), rng)
    rgb, alpha = _scaled(photo, cover, view)
    dark = darkness(image, view)
    if dark.most > 0:
        light_up(image, view, dark, plan.view == "top")
    if plan.shadow:
        image *= 1 - shadow(alpha, view, plan, backdrop.key_light)[..., None] * SHADOW_TINT
    gloss = max(backdrop.gloss, plan.reflection)
    if gloss > 0 and plan.view != "top" and not plan.floating and plan.scene != "podium":
        reflect(image, rgb, alpha, view, gloss)
    _place(image, rgb, alpha, view, backdrop.key_light, dark.most)
    _grade(image, plan, view, alpha)
    _add_grain(image, seed, index)
    return Composition(to_bytes(image), round(view.scale, 2), _warnings(view))


def _printable(plan: Plan) -> Plan:
    lists = plan.colours, plan.surface, plan.wall, plan.lights
    colours, surface, wall, lights = ([printable(tone) for tone in tones] for tones in lists)
    return replace(plan, colours=colours, surface=surface, wall=wall, lights=lights)


def printable(tone: Rgb) -> Rgb:
    """Caps the Lab chroma: a wall in CSS `green` would outshine any product."""
    lightness, a, b = to_lab(np.array([[tone]], np.uint8))[0, 0]
    chroma = float(np.hypot(a, b))
    if chroma <= HIGHEST_CHROMA:
        return tone
    keep = (HIGHEST_CHROMA + (chroma - HIGHEST_CHROMA) * 0.25) / chroma
    softened = np.array([[[lightness, a * keep, b * keep]]], np.float32)
    values = np.clip(cv2.cvtColor(softened, cv2.COLOR_LAB2RGB)[0, 0] * 255, 0, 255)
    return int(values[0]), int(values[1]), int(values[2])


def _hero(photo: Pixels, cover: Plane) -> Rgb:
    solid = photo[cover > 0.8]
    red, green, blue = np.median(solid, axis=0) if len(solid) else (128, 128, 128)
    return int(red), int(green), int(blue)


def _paint(plan: Plan, view: Frame, hero: Rgb, rng: np.random.Generator) -> tuple[Pixels, backdrops.Backdrop]:
    painted_plan = _podium_studio(plan, hero) if plan.scene == "podium" else plan
    reduction = min(1.0, PAINTED_SIDE / max(view.width, view.height))
    size = int(view.width * reduction), int(view.height * reduction)
    backdrop = backdrops.paint(painted_plan, *size, view.floor_y, hero, rng)
    image = backdrop.image
    if reduction < 1:
        image = cv2.resize(image, (view.width, view.height), interpolation=cv2.INTER_CUBIC)
    if plan.scene == "podium":
        tone = np.clip(image[view.base, view.centre] * 1.02 + 6, 0, 255)
        tone = colour(plan.surface[0]) if plan.surface else tone
        _draw_podium(image, view, tone, backdrop.key_light)
    return image, backdrop


def _podium_studio(plan: Plan, hero: Rgb) -> Plan:
    paper = 34 if plan.light == "dark" else 190
    red, green, blue = np.clip(colour(hero) * 0.25 + paper, 0, 255).astype(int).tolist()
    asked = [*plan.wall, *plan.colours]
    return replace(plan, scene="studio", surface=[], wall=[], colours=asked or [(red, green, blue)])


def _draw_podium(image: Pixels, view: Frame, tone: Tone, key_light: float) -> None:
    """A drum whose top the product stands on."""
    radius, drop = view.product_width * 0.66, view.height * 0.13
    rise, centre_y = radius * 0.20, view.base - view.product_width * 0.03
    y, x = np.mgrid[0 : view.height, 0 : view.width].astype(np.float32)
    across = np.clip((x - view.centre) / radius, -1, 1)
    facing = np.sqrt(1 - across**2)
    side = (np.abs(x - view.centre) <= radius) & (y >= centre_y) & (y <= centre_y + drop + rise * facing)
    top = ((x - view.centre) / radius) ** 2 + ((y - centre_y) / rise) ** 2 <= 1
    pool_x = (x - view.centre + key_light * radius * 0.25) / (radius * 1.15)
    pool_y = (y - centre_y - drop - rise * 0.3) / (rise * 1.5)
    pool = gaussian((pool_x**2 + pool_y**2 <= 1).astype(np.float32), radius * 0.10)
    image *= (1 - 0.42 * pool)[..., None]
    shade = 0.62 + 0.38 * np.clip(across * key_light * 0.7 + facing * 0.7, 0, 1)
    edge = gaussian(side.astype(np.float32), 0.9)[..., None]
    image[:] = mix(image, colour(tone) * 0.86 * shade[..., None], edge)
    lit_top = np.clip(colour(tone) * (1.05 + 0.10 * across * key_light)[..., None] + 5, 0, 255)
    image[:] = mix(image, lit_top, gaussian(top.astype(np.float32), 0.9)[..., None])


def _scaled(photo: Pixels, cover: Plane, view: Frame) -> tuple[Pixels, Plane]:
    """float32 colours and alpha at the size of the product's box; premultiplied, so without a dark fringe."""
    size = (view.product_width, view.product_height)
    smaller = view.product_width < photo.shape[1]
    premultiplied = photo.astype(np.float32) * cover[..., None]
    colour_filter = cv2.INTER_AREA if smaller else cv2.INTER_LANCZOS4
    alpha_filter = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    alpha = np.clip(cv2.resize(cover, size, interpolation=alpha_filter), 0, 1)
    rgb = cv2.resize(premultiplied, size, interpolation=colour_filter) / np.maximum(alpha, 0.02)[..., None]
    rgb = np.clip(rgb, 0, 255)
    if view.scale > 1.05:
        rgb = np.clip(rgb + 0.45 * (rgb - gaussian(rgb, 1.1 * min(view.scale, 3))), 0, 255)
    return rgb, alpha


def _place(image: Pixels, rgb: Pixels, alpha: Plane, view: Frame, key_light: float, dark: float) -> None:
    """The product itself, its light matched to the scene and the scene's light wrapped around its rim."""
    left, right = max(0, view.left), min(view.width, view.left + view.product_width)
    top, bottom = max(0, view.top), min(view.height, view.top + view.product_height)
    inside = np.s_[top - view.top : bottom - view.top, left - view.left : right - view.left]
    window, cover = image[top:bottom, left:right], alpha[inside]
    product = _matched(rgb[inside], image, key_light)
    radius = max(1.0, 0.006 * max(view.product_width, view.product_height))
    rim = (np.clip(cover - gaussian(cover, radius), 0, 1) * 1.3 * 0.30)[..., None]
    around = wide_blur(window, radius * 3)
    product = product * (1 - rim) + np.maximum(around, product) * rim
    if dark > 0:
        rim_light(product, cover, window, dark)
    window[:] = mix(window, product, cover[..., None])


def _matched(rgb: Pixels, image: Pixels, key_light: float) -> Pixels:
    surroundings = image.reshape(-1, 3)[::97].mean(0)
    glows = surroundings.mean() < 70 < rgb.mean()
    exposure = 0.86 if glows else 1.0  # in a dark scene the product may not glow
    cast = np.clip(surroundings / (surroundings.mean() + 1e-3), 0.75, 1.25)
    side = np.linspace(-1, 1, rgb.shape[1], dtype=np.float32)[None, :, None]
    return np.asarray(
        np.clip(rgb * exposure * (1 + 0.10 * (cast - 1)) * (1 + 0.05 * key_light * side), 0, 255)
    )


def _grade(image: Pixels, plan: Plan, view: Frame, alpha: Plane) -> None:
    if plan.warmth:
        image *= 1 + WARMTH * plan.warmth
    if plan.light == "bright":
        image[:] = 255 * np.power(np.clip(image, 0, 255) / 255, 0.90)
    if plan.light == "dark" and plan.scene != "city":
        image *= _vignette(plan, view, alpha)[..., None]


def _vignette(plan: Plan, view: Frame, alpha: Plane) -> Plane:
    y = np.linspace(-1, 1, view.height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, view.width, dtype=np.float32)[None]
    place = 2 * view.centre / view.width - 1
    light = np.clip(np.exp(-((x - place) ** 2 + (y - 0.15) ** 2) / 1.1), 0.30, 1)
    return np.asarray(np.maximum(light, 0.92 * gaussian(view.canvas(alpha), 2)))


def _add_grain(image: Pixels, seed: int, index: int) -> None:
    height, width = image.shape[:2]
    side = min(height, PAINTED_SIDE // 2), min(width, PAINTED_SIDE // 2)
    tile = np.random.default_rng([seed, index, 77]).standard_normal(side).astype(np.float32)
    grain = np.tile(tile, (height // side[0] + 1, width // side[1] + 1))[:height, :width]
    image += GRAIN * grain[..., None]


def _warnings(view: Frame) -> tuple[str, ...]:
    if view.scale <= ENLARGED:
        return ()
    return (f"product pixels enlarged {view.scale:.1f} times; a larger source photo would be sharper",)

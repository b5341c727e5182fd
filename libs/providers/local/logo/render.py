"""A laid-out design as SVG text and as pixels."""

import html

import cv2
import numpy as np
import webcolors

from libs.imaging.pixels import Pixels, to_bytes
from libs.providers.local.logo.geometry import Ring
from libs.providers.local.logo.layout import Canvas, Fill

LARGE = 2048
FRACTION_BITS = 4


def svg(canvas: Canvas) -> str:
    """Outlines only. What cuts through a transparent logo masks all that lies below it."""
    size = f'viewBox="0 0 {canvas.width} {canvas.height}" width="{canvas.width}" height="{canvas.height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
        f"<title>{html.escape(canvas.design.name)}</title>",
    ]
    if canvas.design.background != "transparent":
        lines.append(f'<rect width="100%" height="100%" fill="{canvas.design.background}"/>')
    drawn: list[str] = []
    for number, fill in enumerate(canvas.fills):
        if fill.cut and canvas.design.background == "transparent":
            hole = _path(Fill(fill.rings, "#000000"))
            lines.append(
                f'<mask id="cut{number}"><rect width="100%" height="100%" fill="#ffffff"/>{hole}</mask>'
            )
            drawn = [f'<g mask="url(#cut{number})">', *drawn, "</g>"]
        else:
            drawn.append(_path(fill))
    return "\n".join([*lines, *drawn, "</svg>"]) + "\n"


def _path(fill: Fill) -> str:
    outline = "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in ring) + "Z" for ring in fill.rings)
    opacity = f' fill-opacity="{fill.opacity}"' if fill.opacity < 1 else ""
    return f'<path fill="{fill.colour}" fill-rule="evenodd"{opacity} d="{outline}"/>'


def rasterise(canvas: Canvas) -> Pixels:
    """RGBA, uint8. Each outline is filled at several times its size and averaged down."""
    picture = np.zeros((canvas.height, canvas.width, 4), np.float32)
    if canvas.design.background != "transparent":
        picture[:] = (*webcolors.hex_to_rgb(canvas.design.background), 255)
    oversampling = 4 if max(canvas.width, canvas.height) <= LARGE else 3
    for fill in canvas.fills:
        _paint(picture, fill, oversampling)
    return to_bytes(picture)


def _paint(picture: Pixels, fill: Fill, oversampling: int) -> None:
    height, width = picture.shape[:2]
    points = np.concatenate(fill.rings)
    left, top = np.maximum(np.floor(points.min(0)).astype(int) - 1, 0)
    right, bottom = np.minimum(np.ceil(points.max(0)).astype(int) + 2, (width, height))
    if right <= left or bottom <= top:
        return
    cover = _coverage(fill.rings, (left, top), (right - left, bottom - top), oversampling) * fill.opacity
    window = picture[top:bottom, left:right]
    if fill.cut and picture[0, 0, 3] == 0:  # a transparent logo: the shape cuts through
        window[..., 3] *= 1 - cover
        return
    below = window[..., 3] / 255
    alpha = cover + below * (1 - cover)
    share = (cover / np.maximum(alpha, 1e-6))[..., None]
    window[..., :3] += share * (np.array(webcolors.hex_to_rgb(fill.colour), np.float32) - window[..., :3])
    window[..., 3] = alpha * 255


def _coverage(rings: list[Ring], corner: tuple[int, int], size: tuple[int, int], times: int) -> Pixels:
    """0 to 1, `size` is width and height."""
    scale = times * (1 << FRACTION_BITS)
    outlines = [np.round((ring - corner) * scale).astype(np.int32) for ring in rings]
    mask = np.zeros((size[1] * times, size[0] * times), np.uint8)
    cv2.fillPoly(mask, outlines, 255, lineType=cv2.LINE_8, shift=FRACTION_BITS)
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA) / np.float32(255))

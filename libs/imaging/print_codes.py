"""Codes to print: QR, EAN-13, and the ArUco marker that gives photos a scale. SVG in millimetres, black on white."""

import cv2
import numpy as np

from libs.imaging.markers import DICTIONARY, MODULES, QUIET
from libs.imaging.pixels import Plane

QUIET_QR, QUIET_EAN = 4, 9
"""White modules around a code, without which readers miss it."""
MODULE_MM = 0.33
"""Of an EAN at its nominal size."""
EAN_HEIGHT_MM = 22.85

# One digit is seven modules; the left half's first, the others are derived from it.
_LEFT = (
    "0001101",
    "0011001",
    "0010011",
    "0111101",
    "0100011",
    "0110001",
    "0101111",
    "0111011",
    "0110111",
    "0001011",
)
_MIRRORED = tuple("".join("10"[int(bit)] for bit in code[::-1]) for code in _LEFT)
_RIGHT = tuple("".join("10"[int(bit)] for bit in code) for code in _LEFT)
_PARITIES = (
    "LLLLLL",
    "LLGLGG",
    "LLGGLG",
    "LLGGGL",
    "LGLLGG",
    "LGGLLG",
    "LGGGLL",
    "LGLGLG",
    "LGLGGL",
    "LGGLGL",
)
"""Which of the left half's digits are mirrored says the first digit."""


def qr(text: str, side_mm: float) -> str:
    """`side_mm` without the white around it. Error correction is level M."""
    settings = cv2.QRCodeEncoder.Params()
    settings.correction_level = cv2.QRCodeEncoder_CORRECT_LEVEL_M
    encoded = cv2.QRCodeEncoder.create(settings).encode(text)
    inner = _trimmed(np.asarray(encoded) < 128)
    return _svg(np.pad(inner, QUIET_QR), side_mm / len(inner), side_mm / len(inner))


def ean13(digits: str) -> str:
    """Twelve digits, or thirteen with their check digit. `ValueError` for anything else."""
    if not (digits.isascii() and digits.isdigit() and len(digits) in (12, 13)):
        raise ValueError("an EAN-13 has twelve digits and a check digit")
    check = _check_digit(digits[:12])
    if len(digits) == 13 and digits[12] != check:
        raise ValueError(f"the check digit of {digits[:12]} is {check}")
    left = "".join(
        (_LEFT if parity == "L" else _MIRRORED)[int(digit)]
        for parity, digit in zip(_PARITIES[int(digits[0])], digits[1:7], strict=True)
    )
    right = "".join(_RIGHT[int(digit)] for digit in digits[7:12] + check)
    bars = np.array([[bit == "1" for bit in f"101{left}01010{right}101"]])
    return _svg(np.pad(bars, ((0, 0), (QUIET_EAN, QUIET_EAN))), MODULE_MM, EAN_HEIGHT_MM)


def _check_digit(digits: str) -> str:
    total = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(digits))
    return str(-total % 10)


def marker(side_mm: float) -> str:
    """Number 0 of the dictionary 4x4_50; `side_mm` is the black square's, which `marker_mm` of an analysis means."""
    drawn = cv2.aruco.generateImageMarker(cv2.aruco.getPredefinedDictionary(DICTIONARY), 0, MODULES)
    return _svg(np.pad(np.asarray(drawn) < 128, QUIET), side_mm / MODULES, side_mm / MODULES)


def _trimmed(modules: Plane) -> Plane:
    rows, columns = np.flatnonzero(modules.any(1)), np.flatnonzero(modules.any(0))
    return np.asarray(modules[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def _svg(modules: Plane, width_mm: float, height_mm: float) -> str:
    """One path; a module is `width_mm` × `height_mm`."""
    rows, columns = modules.shape
    squares = "".join(f"M{x} {y}h1v1h-1z" for y, x in np.argwhere(modules))
    size = (
        f'width="{columns * width_mm:.2f}mm" height="{rows * height_mm:.2f}mm" viewBox="0 0 {columns} {rows}"'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} preserveAspectRatio="none" shape-rendering="crispEdges">'
        f'<rect width="{columns}" height="{rows}" fill="#ffffff"/><path d="{squares}"/></svg>\n'
    )

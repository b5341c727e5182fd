"""Printed codes in a photo: barcodes and QR codes. No model files needed."""

from dataclasses import dataclass

import cv2

from libs.imaging.pixels import Pixels

LONGEST_VALUE = 300


@dataclass(frozen=True, slots=True)
class Code:
    """`kind` as OpenCV names it (`EAN_13`, `UPC_A`…) or `QR`; `value` holds printable characters only."""

    kind: str
    value: str


def read_codes(rgb: Pixels) -> list[Code]:
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    found = [*_barcodes(bgr), *_qr_codes(bgr)]
    readable = [Code(code.kind, _printable(code.value)) for code in found]
    return list(dict.fromkeys(code for code in readable if code.value))


def _barcodes(bgr: Pixels) -> list[Code]:
    try:
        found, values, kinds, _ = cv2.barcode.BarcodeDetector().detectAndDecodeWithType(bgr)
    except cv2.error:  # raised for some textures that look like a code at first
        return []
    return (
        [Code(kind or "barcode", value) for value, kind in zip(values, kinds, strict=True)] if found else []
    )


def _qr_codes(bgr: Pixels) -> list[Code]:
    try:
        found, values, _, _ = cv2.QRCodeDetector().detectAndDecodeMulti(bgr)
    except cv2.error:  # as above, and for values that are no text
        return []
    return [Code("QR", value) for value in values] if found else []


def _printable(value: str) -> str:
    return "".join(character for character in value if character.isprintable())[:LONGEST_VALUE]

"""A picture to be handed out: its pixels as they are, its mark of origin, and nobody's words.

Providers and encoders write more than our mark into a file: text chunks, comments, EXIF, manifests of their own. What
is not known to be about the pixels stays behind; they are not encoded again.
"""

import re
from collections.abc import Iterator

from libs.imaging import metadata
from libs.imaging.containers import (
    PNG_PIXELS,
    PNG_SIGNATURE,
    WEBP_PIXELS,
    jpeg_scan,
    jpeg_segment,
    jpeg_segments,
    png_chunk,
    png_chunks,
    riff_chunks,
    sniff,
    tells,
    webp,
)
from libs.imaging.orientation import EXIF, WEBP_HAS_EXIF, orientation

_PNG_KEPT = PNG_PIXELS | {b"iCCP", b"cICP"}
_WEBP_KEPT = WEBP_PIXELS | {b"ICCP"}
_WEBP_TOLD = WEBP_HAS_EXIF | 0x04
"""Of the flags: that there is EXIF, and XMP."""
_PROFILE = b"ICC_PROFILE\0"
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""Neither a byte of the pixels nor where decoding may start again."""


def export(data: bytes) -> bytes:
    """The same JPEG, PNG or WebP with its mark without words, its colour profile and how it is to be turned."""
    kind, mark = sniff(data), metadata.read(data)
    turned = _turned(orientation(data, kind))
    match kind:
        case "png":
            bare = _png(data, turned)
        case "jpeg":
            bare = b"".join(_jpeg(data, turned))
        case "webp":
            bare = _webp(data, turned)
        case other:
            raise ValueError(f"cannot hand out {other or 'what is no image'}")
    return metadata.embed(bare, mark.without_prompts()) if mark else bare


def _turned(orientation: int) -> bytes:
    """EXIF that says this and nothing else; nothing for a picture that is upright."""
    if orientation == 1:
        return b""
    return b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0" + bytes([orientation]) + bytes(6)


def _png(data: bytes, turned: bytes) -> bytes:
    header, *kept = [data[start:end] for name, start, end in png_chunks(data) if name in _PNG_KEPT]
    told = png_chunk(b"eXIf", turned) if turned else b""
    return b"".join([PNG_SIGNATURE, header, told, *kept])


def _jpeg(data: bytes, turned: bytes) -> Iterator[bytes]:
    yield data[:2]
    if turned:
        yield jpeg_segment(0xE1, EXIF + turned)
    for marker, start, end in jpeg_segments(data):
        if not _spoken(data, marker, start, end):
            yield data[start:end]
    yield from _scans(data, jpeg_scan(data) or len(data))


def _scans(data: bytes, at: int) -> Iterator[bytes]:
    """What follows the first scan's header up to the end of the picture; there may be segments between scans."""
    while found := _MARKER.search(data, at):
        start, marker = found.start(), data[found.end() - 1]
        yield data[at:start]
        if marker == 0xD9:
            yield data[start : start + 2]
            return
        at = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
        if not _spoken(data, marker, start, at):
            yield data[start:at]
    yield data[at:]


def _spoken(data: bytes, marker: int, start: int, end: int) -> bool:
    return tells(marker, end - start) and not (marker == 0xE2 and data.startswith(_PROFILE, start + 4))


def _webp(data: bytes, turned: bytes) -> bytes:
    chunks = [(name, body) for name, body in riff_chunks(data) if name in _WEBP_KEPT]
    name, header = chunks[0]
    if name == b"VP8X":
        flags = header[0] & ~_WEBP_TOLD | (WEBP_HAS_EXIF if turned else 0)
        chunks[0] = name, bytes([flags]) + header[1:]
    return webp([*chunks, (b"EXIF", turned)] if turned else chunks)

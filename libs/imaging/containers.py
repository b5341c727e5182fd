"""JPEG, PNG, WebP and GIF files as containers: what they are, whether they are whole, and their XMP packet.

Nothing here decodes pixels.
"""

import re
import zlib
from collections.abc import Iterable, Iterator

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
XMP_NAMESPACE = b"http://ns.adobe.com/xap/1.0/\0"
PNG_XMP = b"XML:com.adobe.xmp\0\0\0\0\0"
"""iTXt keyword, no compression, no language, no translation."""
LARGEST_JPEG_PACKET = 65_533 - len(XMP_NAMESPACE)

SIGNATURES = (
    ("jpeg", 0, b"\xff\xd8\xff"),
    ("png", 0, PNG_SIGNATURE),
    ("webp", 8, b"WEBP"),
    ("gif", 0, b"GIF8"),
    ("tiff", 0, b"II*\0"),
    ("tiff", 0, b"MM\0*"),
    ("bmp", 0, b"BM"),
    ("heic", 4, b"ftyphei"),
    ("heic", 4, b"ftypmif1"),
    ("avif", 4, b"ftypavif"),
    ("jxl", 0, b"\xff\x0a"),
)


def sniff(data: bytes) -> str | None:
    """The format by its magic bytes, of those worth naming to the user; None if it is none of them."""
    return next((name for name, at, magic in SIGNATURES if data[at : at + len(magic)] == magic), None)


def is_complete(data: bytes, kind: str) -> bool:
    """Whether the file reaches its own end marker; damage inside shows only when decoding."""
    match kind:
        case "png":
            return any(name == b"IEND" for name, _, _ in png_chunks(data))
        case "jpeg":
            scan = jpeg_scan(data)
            return scan is not None and data.find(b"\xff\xd9", scan) > 0
        case "webp":
            return len(data) >= 8 + int.from_bytes(data[4:8], "little")
        case _:
            return data.rstrip(b"\0")[-1:] == b";"


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and end of every whole chunk up to the last, its length field and checksum included."""
    at = len(PNG_SIGNATURE)
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data):
            return
        name = data[at + 4 : at + 8]
        yield name, at, end
        if name == b"IEND":
            return
        at = end


PNG_PIXELS = frozenset(
    {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"pHYs", b"sBIT", b"bKGD", b"gAMA", b"sRGB", b"cHRM"}
)
"""Chunks of numbers about the pixels: no words, no camera, no profile."""
_JPEG_MARKER = re.compile(rb"\xff+[\xc0-\xc7\xc9-\xcf\xda-\xef\xfe]")
_JPEG_TOLD = re.compile(rb"\xff[\xe0-\xfe]")
WEBP_PIXELS = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH"})


def is_bare(data: bytes, kind: str) -> bool:
    """Whether the file holds nothing but its pixels, whatever decoders make of the rest; in doubt it does not."""
    match kind:
        case "png":
            end = len(PNG_SIGNATURE)
            for name, _, after in png_chunks(data):
                if name not in PNG_PIXELS:
                    return False
                end = after
            return end == len(data)
        case "jpeg":
            if any(tells(marker, end - start) for marker, start, end in jpeg_segments(data)):
                return False
            scan = jpeg_scan(data)
            told = scan is None or _JPEG_TOLD.search(data, scan)
            return not told and data.find(b"\xff\xd9", scan) == len(data) - 2
        case "webp":
            whole = 8 + int.from_bytes(data[4:8], "little") == len(data)
            return whole and all(name in WEBP_PIXELS for name, _ in riff_chunks(data))
        case _:
            return False


def tells(marker: int, size: int) -> bool:
    """A comment, or an application's segment that is neither plain JFIF nor Adobe's."""
    plain = (marker, size) in ((0xE0, 18), (0xEE, 16))
    return marker == 0xFE or (0xE0 <= marker <= 0xEF and not plain)


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of every segment before the first scan, that one's header included.

    Ends at what has no place there: decoders disagree on where it ends, and a few bytes would hide thousands from us.
    """
    at = 2
    while padding := _JPEG_MARKER.match(data, at):
        at = padding.end() - 2
        marker = data[at + 1]
        if at + 4 > len(data):
            return
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        yield marker, at, end
        if marker == 0xDA:
            return
        at = end


def jpeg_scan(data: bytes) -> int | None:
    """Where the first scan's pixels start."""
    return next((end for marker, _, end in jpeg_segments(data) if marker == 0xDA), None)


def jpeg_scans(data: bytes) -> int:
    """How many passes over the picture the file asks for: a few bytes make the decoder visit every pixel again."""
    return data.count(b"\xff\xda", jpeg_scan(data)) + 1


LIMIT_PARTS = {"png": 10_000, "jpeg": 1_000, "webp": 10_000}
"""Encoders write a PNG's pixels 8 KiB or more at a time, and cut a JPEG's profile and XMP into pieces of 64 KiB."""


def has_too_many_parts(data: bytes, kind: str) -> bool:
    """Whether there are more chunks or segments than `LIMIT_PARTS`.

    However small, each costs a decoder microseconds, and an upload has room for millions. Stops at the limit.
    """
    left = LIMIT_PARTS.get(kind, 0)
    for part in _parts(data, kind):
        left -= part
        if left < 0:
            return True
    return False


def _parts(data: bytes, kind: str) -> Iterator[int]:
    """For how many parts each chunk counts."""
    match kind:
        case "png":  # a profile may inflate to a megabyte, and nobody has two
            yield from (1_000 if name == b"iCCP" else 1 for name, _, _ in png_chunks(data))
        case "webp":
            yield from (1 for _ in riff_chunks(data))
        case "jpeg":  # padding and quantization tables are read one by one
            last = 2
            for marker, start, end in jpeg_segments(data):
                yield 1 + (start - last) // 64 + (end - start) // 64 * (marker == 0xDB)
                last = end


def xmp(data: bytes) -> bytes:
    """The packet; empty without one. A PNG's must be uncompressed, as the standard wants it."""
    match sniff(data):
        case "png":
            chunks = (
                data[start + 8 : end - 4] for _, start, end in png_chunks(data) if _is_png_xmp(data, start)
            )
            return next((body.split(b"\0", 5)[-1] for body in chunks if body.startswith(PNG_XMP[:19])), b"")
        case "jpeg":
            found = (
                data[at + 4 : end]
                for marker, at, end in jpeg_segments(data)
                if _is_jpeg_xmp(data, marker, at)
            )
            return next(found, b"").removeprefix(XMP_NAMESPACE)
        case "webp":
            return next((body for name, body in riff_chunks(data) if name == b"XMP "), b"")
        case _:
            return b""


def png_with_xmp(data: bytes, packet: bytes) -> bytes:
    chunk = png_chunk(b"iTXt", PNG_XMP + packet)
    kept = [data[start:end] for _, start, end in png_chunks(data) if not _is_png_xmp(data, start)]
    return PNG_SIGNATURE + kept[0] + chunk + b"".join(kept[1:])


def png_chunk(name: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")


def _is_png_xmp(data: bytes, start: int) -> bool:
    return data.startswith(b"iTXt" + PNG_XMP[:17], start + 4)


def jpeg_with_xmp(data: bytes, packet: bytes) -> bytes:
    """Raises `ValueError` if the packet does not fit into one segment."""
    if len(packet) > LARGEST_JPEG_PACKET:
        raise ValueError(f"an XMP packet in a JPEG has at most {LARGEST_JPEG_PACKET} bytes")
    kept, scan = [], len(data)
    for marker, start, end in jpeg_segments(data):
        if marker == 0xDA:
            scan = start
        elif not _is_jpeg_xmp(data, marker, start):
            kept.append(data[start:end])
    return b"".join([data[:2], jpeg_segment(0xE1, XMP_NAMESPACE + packet), *kept, data[scan:]])


def jpeg_segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body


def _is_jpeg_xmp(data: bytes, marker: int, start: int) -> bool:
    return marker == 0xE1 and data.startswith(XMP_NAMESPACE, start + 4)


def webp_with_xmp(data: bytes, packet: bytes, width: int, height: int, alpha: bool) -> bytes:
    """Turns a simple file into an extended one, whose header names its size and whether it has alpha."""
    chunks = [(kind, body) for kind, body in riff_chunks(data) if kind != b"XMP "]
    if chunks[0][0] != b"VP8X":
        flags = 0x10 if alpha else 0
        size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        chunks.insert(0, (b"VP8X", bytes([flags, 0, 0, 0]) + size))
    header = chunks[0][1]
    chunks[0] = (b"VP8X", bytes([header[0] | 0x04]) + header[1:])
    return webp([*chunks, (b"XMP ", packet)])


def webp(chunks: Iterable[tuple[bytes, bytes]]) -> bytes:
    body = b"WEBP" + b"".join(_riff_chunk(kind, content) for kind, content in chunks)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and content of every chunk."""
    at, last = 12, min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    while at + 8 <= last:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        yield data[at : at + 4], data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _riff_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2)

"""Where a picture comes from, written into its file as XMP: readable by others, and by us after a download.

The packet is added to the encoded file, so pixels are never encoded again.
"""

import html
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from PIL import Image
from pydantic_core import from_json

from libs.imaging.containers import (
    LARGEST_JPEG_PACKET,
    jpeg_with_xmp,
    png_with_xmp,
    sniff,
    webp_with_xmp,
    xmp,
)

VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
NAMESPACE = "urn:vitrine:provenance:1"

PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:vitrine="{namespace}" Iptc4xmpExt:DigitalSourceType="{source}">
<vitrine:record>{record}</vitrine:record>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""

_SOURCE = re.compile(r"DigitalSourceType(?:=[\"']|>)\s*([^\"'<\s]{1,200})")
LONGEST_RECORD = 1 << 18
"""In characters, of one that is read: anybody may write it into a file, and it is copied into what is made of that."""


class DigitalSource(StrEnum):
    """IPTC's vocabulary of digital source types, as far as we make such pictures."""

    GENERATED = "trainedAlgorithmicMedia"
    EDITED_BY_MODEL = "compositeWithTrainedAlgorithmicMedia"
    COMPOSED = "compositeSynthetic"
    """A photo and synthetic elements, put together by an algorithm without a trained model."""
    COMPOSED_OF_PHOTOS = "compositeCapture"
    """Photos only, put together in the same way."""
    DRAWN = "algorithmicMedia"
    """Made by such an algorithm alone."""
    ALTERED = "algorithmicallyEnhanced"
    """A photo changed by such an algorithm, as when its background is removed."""


WORDS = frozenset({"prompt", "used_words", "ignored_words", "excluded_words", "changes", "history"})
"""Keys of a record that repeat what somebody wrote."""


@dataclass(frozen=True, slots=True)
class Mark:
    """`source` is a term of IPTC's vocabulary; `record` is JSON and, from files of others, empty."""

    source: str
    record: Mapping[str, Any] = field(default_factory=dict)

    def without_prompts(self) -> "Mark":
        """For files that leave the house: the origin stays, the words that led to it do not."""
        return Mark(self.source, _without_words(self.record))


def _without_words(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_words(item) for key, item in value.items() if key not in WORDS}
    return [_without_words(item) for item in value] if isinstance(value, list | tuple) else value


def packet(mark: Mark) -> bytes:
    record = json.dumps(dict(mark.record), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    source = html.escape(VOCABULARY + mark.source)
    text = PACKET.format(namespace=NAMESPACE, source=source, record=html.escape(record, quote=False))
    return text.encode()


def embed(data: bytes, mark: Mark) -> bytes:
    """The same JPEG, PNG or WebP with this mark in place of any other; its pixels are not touched.

    A JPEG whose mark is too long for it has one without words or, should that be too long, with its source alone.
    """
    match sniff(data):
        case "png":
            return png_with_xmp(data, packet(mark))
        case "jpeg":
            marks = mark, mark.without_prompts(), Mark(mark.source)
            fitting = (told for told in map(packet, marks) if len(told) <= LARGEST_JPEG_PACKET)
            return jpeg_with_xmp(data, next(fitting))
        case "webp":
            with Image.open(io.BytesIO(data), formats=("WEBP",)) as image:
                return webp_with_xmp(data, packet(mark), *image.size, alpha=image.mode == "RGBA")
        case other:
            raise ValueError(f"cannot mark {other or 'what is no image'}")


def read(data: bytes) -> Mark | None:
    """The mark of an accepted picture, whoever made it; None if it carries none."""
    # Not parsed as XML: the packet may be anybody's, and two values are all we want.
    text = xmp(data).decode("utf-8", "replace")
    source = _SOURCE.search(text)
    if source is None:
        return None
    _, _, behind = text.partition("<vitrine:record>")
    record, end, _ = behind.partition("</vitrine:record>")
    return Mark(html.unescape(source[1]).removeprefix(VOCABULARY), _parse(record) if end else {})


def _parse(record: str) -> dict[str, Any]:
    if len(record) > LONGEST_RECORD:
        return {}
    try:
        parsed = from_json(html.unescape(record))  # unlike json, refuses what is nested too deep to walk
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}

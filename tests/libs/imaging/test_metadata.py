"""Every picture carries where it comes from, in every format, without being encoded again."""

import io
import json
from xml.etree import ElementTree

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from libs.imaging import bare, metadata
from libs.imaging.metadata import DigitalSource, Mark
from libs.imaging.variants import LADDER, make_variants
from tests.libs.imaging.drawings import encode, mug

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"

MARK = Mark(
    DigitalSource.COMPOSED, {"prompt": 'on <marble> & "wood", Öl 漢', "seed": 7, "nested": {"a": [1]}}
)
FORMATS = {
    "PNG": encode(mug(120)[0]),
    "transparent PNG": encode(Image.new("RGBA", (70, 70), (9, 9, 9, 9))),
    "JPEG": encode(mug(120)[0], "JPEG"),
    "lossy WebP": encode(mug(120)[0], "WEBP"),
    "lossless WebP": encode(mug(120)[0], "WEBP", lossless=True),
    "transparent WebP": encode(Image.new("RGBA", (71, 70), (9, 9, 9, 9)), "WEBP"),
}


def pixels(data: bytes) -> bytes:
    return Image.open(io.BytesIO(data)).convert("RGBA").tobytes()


@pytest.mark.parametrize("kind", FORMATS)
def test_a_mark_is_read_back_and_changes_no_pixel(kind: str) -> None:
    marked = metadata.embed(FORMATS[kind], MARK)
    assert metadata.read(FORMATS[kind]) is None
    assert metadata.read(marked) == MARK
    assert pixels(marked) == pixels(FORMATS[kind])


@pytest.mark.parametrize("kind", FORMATS)
def test_a_second_mark_replaces_the_first(kind: str) -> None:
    once = metadata.embed(FORMATS[kind], MARK)
    twice = metadata.embed(once, Mark(DigitalSource.GENERATED))
    assert metadata.read(twice) == Mark(DigitalSource.GENERATED)
    assert len(twice) < len(once)


def test_other_readers_find_the_digital_source_type() -> None:
    with Image.open(io.BytesIO(metadata.embed(FORMATS["JPEG"], MARK))) as image:
        packet = image.info["xmp"].decode()
    assert 'DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic"' in packet


def test_a_foreign_mark_is_understood_and_its_other_content_ignored() -> None:
    foreign = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description exif:GPSLatitude="48,8N">'
        b"<Iptc4xmpExt:DigitalSourceType>"
        b"http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
        b"</Iptc4xmpExt:DigitalSourceType></rdf:Description></x:xmpmeta>"
    )
    data = encode(mug(120)[0], "WEBP", xmp=foreign)
    assert metadata.read(data) == Mark(DigitalSource.GENERATED)
    assert b"GPSLatitude" not in make_variants(data)[0].data


def foreign(record: str) -> bytes:
    """A picture with this record, whoever wrote it."""
    xmp = f'DigitalSourceType="algorithmicMedia"<vitrine:record>{record}</vitrine:record>'
    return encode(mug(120)[0], "WEBP", xmp=xmp.encode())


NOT_OURS = {
    "text": "no JSON",
    "list": "[1]",
    "very deep": '{"a":' + "[" * 50_000 + "]" * 50_000 + "}",
    "deep": '{"a":' + "[" * 400 + "]" * 400 + "}",
    "half a character": '{"a":"\\ud800"}',
    "digits": '{"a":' + "9" * 5_000 + "}",
    "long": '{"a":"' + "x" * metadata.LONGEST_RECORD + '"}',
    "opened again": "<vitrine:record>" * 200_000,
}


@pytest.mark.parametrize("case", NOT_OURS)
def test_a_record_that_is_not_ours_does_no_harm(case: str) -> None:
    data = foreign(NOT_OURS[case])
    assert metadata.read(data) == Mark(DigitalSource.DRAWN)
    assert metadata.read(bare.export(data)) == Mark(DigitalSource.DRAWN)


def test_a_record_that_never_ends_is_given_up_at_once() -> None:
    xmp = b'DigitalSourceType="algorithmicMedia"' + b"<vitrine:record>" * 200_000
    assert metadata.read(encode(mug(120)[0], "WEBP", xmp=xmp)) == Mark(DigitalSource.DRAWN)


def test_no_text_takes_the_place_of_the_mark() -> None:
    info = PngInfo()
    info.add_text("xmp", 'DigitalSourceType="digitalCapture"')
    marked = metadata.embed(encode(mug(120)[0], pnginfo=info), MARK)
    assert metadata.read(marked) == MARK


def test_a_jpeg_goes_without_the_words_that_are_too_long_for_it() -> None:
    told = {"prompt": "x" * 70_000, "seed": 7}
    marked = metadata.embed(FORMATS["JPEG"], Mark(DigitalSource.GENERATED, told))
    assert metadata.read(marked) == Mark(DigitalSource.GENERATED, {"seed": 7})
    assert pixels(marked) == pixels(FORMATS["JPEG"])
    told["design"] = "x" * 70_000
    marked = metadata.embed(marked, Mark(DigitalSource.GENERATED, told))
    assert metadata.read(marked) == Mark(DigitalSource.GENERATED), "that it is generated is told in any case"


@pytest.mark.parametrize("kind", FORMATS)
def test_pillow_finds_seed_and_source_in_every_format(kind: str) -> None:
    with Image.open(io.BytesIO(metadata.embed(FORMATS[kind], MARK))) as image:
        packet = image.info["xmp"].decode()
    (described,) = ElementTree.fromstring(packet).iter(f"{RDF}Description")
    assert described.get(f"{IPTC}DigitalSourceType") == metadata.VOCABULARY + MARK.source
    record = described.findtext(f"{{{metadata.NAMESPACE}}}record")
    assert json.loads(str(record)) == MARK.record


def test_variants_keep_the_mark_without_its_prompts() -> None:
    marks = [metadata.read(variant.data) for variant in make_variants(metadata.embed(FORMATS["PNG"], MARK))]
    assert marks == [MARK.without_prompts()] * len(LADDER)
    assert MARK.without_prompts().record == {"seed": 7, "nested": {"a": [1]}}

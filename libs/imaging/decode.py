"""The guard in front of every decoder, and decoding to upright 8-bit sRGB.

`inspect` reads headers only; nothing is decoded before it has passed. `check_pixels` decodes once, to find damage.
"""

import hashlib
import io
import re
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from typing import cast

from PIL import Image, ImageCms, UnidentifiedImageError

from libs.common.errors import DomainError, Invalid, TooLarge, UnsupportedMedia
from libs.imaging import png
from libs.imaging.containers import LIMIT_PARTS, has_too_many_parts, is_bare, is_complete, jpeg_scans, sniff
from libs.imaging.orientation import SIDEWAYS, TURNS, orientation

# Damaged EXIF is nothing anybody could act on.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
# Pillow's own limit only warns before it refuses; every picture passes `_open`, which refuses at ours.
Image.MAX_IMAGE_PIXELS = None

LIMIT_PIXELS = 80_000_000
LIMIT_SCANS = 32
"""Progressive JPEG files have about ten; each one more costs up to a quarter of a second."""
LEAST_SIDE = 64
UPLOAD_FORMATS = frozenset({"jpeg", "png", "webp"})
_HIGH_BYTES = [value // 257 for value in range(1 << 16)]
_PIPELINE = re.compile(rb"(?:D2B|B2D)[0-3]")
MIME = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp", "gif": "image/gif"}
DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError)
"""What Pillow raises for damaged files, depending on where the damage is."""


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """An accepted picture; `width` and `height` are those of the upright picture."""

    format: str
    mime: str
    width: int
    height: int
    animated: bool
    bare: bool
    """Whether it tells nothing besides its pixels: no EXIF, no XMP, no colour profile."""
    byte_size: int
    sha256: str

    @property
    def extension(self) -> str:
        return "jpg" if self.format == "jpeg" else self.format


def inspect(
    data: bytes, *, limit_pixels: int = LIMIT_PIXELS, formats: Collection[str] = UPLOAD_FORMATS
) -> ImageInfo:
    """Raises `UnsupportedMedia` (not_an_image, unsupported_image_type), `TooLarge` (too_many_pixels) and
    `Invalid` (image_truncated, image_damaged, image_too_small, too_many_scans, too_many_chunks)."""
    kind = sniff(data)
    if kind is None:
        raise UnsupportedMedia("this is not an image", code="not_an_image")
    if kind not in formats:
        accepted = ", ".join(sorted(formats))
        raise UnsupportedMedia(f"{kind} is not accepted; send {accepted}", code="unsupported_image_type")
    _refuse_crowd(data, kind)
    if not is_complete(data, kind):
        raise Invalid("the image is cut off", code="image_truncated")
    if kind == "jpeg" and jpeg_scans(data) > LIMIT_SCANS:
        raise Invalid(f"the JPEG has more than {LIMIT_SCANS} scans; save it anew", code="too_many_scans")
    with _open(data, limit_pixels) as image:
        width, height = _upright_size(image, orientation(data, kind))
        animated = bool(getattr(image, "is_animated", False))
        _verify(image)
    if min(width, height) < LEAST_SIDE:
        text = f"the image is {width}×{height} px; each side must have at least {LEAST_SIDE} px"
        raise Invalid(text, code="image_too_small")
    digest = hashlib.sha256(data).hexdigest()
    return ImageInfo(kind, MIME[kind], width, height, animated, is_bare(data, kind), len(data), digest)


def check_pixels(data: bytes) -> None:
    """Decodes an inspected picture, as small as its decoder can. Raises `Invalid` (image_damaged).

    Of a plain PNG only the rows, in a third of the time; others need up to four bytes a pixel for a moment. The JPEG
    decoder mends damage instead of reporting it: a photo it can show passes, whatever the photo shows.
    """
    if sniff(data) == "png" and (whole := png.is_whole(data)) is not None:
        if not whole:
            raise _damaged()
        return
    with _open(data, LIMIT_PIXELS) as image:
        image.draft(None, (1, 1))
        try:
            image.load()
        except DAMAGE as error:
            raise _damaged() from error


def opacity(data: bytes) -> tuple[int, int]:
    """The least and the greatest opacity, 0 to 255, of an inspected picture's pixels; decodes if it has alpha.

    Raises `Invalid` (image_damaged).
    """
    with _open(data, LIMIT_PIXELS) as image:
        if not _has_alpha(image):
            return 255, 255
        try:
            least, most = _with_alpha(image).getchannel("A").getextrema()
        except DAMAGE as error:
            raise _damaged() from error
    return int(cast(float, least)), int(cast(float, most))


def open_rgb(data: bytes, *, longest_side: int | None = None, keep_alpha: bool = False) -> Image.Image:
    """Upright, 8-bit sRGB, first frame, without any metadata; transparency lies on white unless it is kept.

    `longest_side` reduces while decoding and never enlarges. Raises as `inspect` does, for any size.
    """
    with _open(data, LIMIT_PIXELS) as image:
        try:
            return _upright_rgb(image, orientation(data, sniff(data)), longest_side, keep_alpha)
        except DAMAGE as error:
            raise _damaged() from error


def _refuse_crowd(data: bytes, kind: str | None) -> None:
    if kind and has_too_many_parts(data, kind):
        text = f"the {kind} file has more than {LIMIT_PARTS[kind]} chunks; save it anew"
        raise Invalid(text, code="too_many_chunks")


def _open(data: bytes, limit_pixels: int) -> Image.Image:
    _refuse_crowd(data, sniff(data))
    try:
        image = Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP", "GIF"))
    except UnidentifiedImageError as error:
        raise UnsupportedMedia("this is not an image", code="not_an_image") from error
    except DAMAGE as error:
        raise _damaged() from error
    if image.width * image.height > limit_pixels:
        text = f"{image.width}×{image.height} px is more than {limit_pixels / 1e6:.0f} megapixels"
        raise TooLarge(text, code="too_many_pixels")
    # Pillow keeps a PNG's texts beside what it has read of the picture, under names that the file has chosen.
    image.info = {name: value for name, value in image.info.items() if not isinstance(value, str)}
    return image


def _verify(image: Image.Image) -> None:
    """Checksums, where the format has them (PNG); the file is spent afterwards."""
    try:
        image.verify()
    except DAMAGE as error:
        raise _damaged() from error


def _damaged() -> DomainError:
    return Invalid("the image is damaged", code="image_damaged")


def _upright_size(image: Image.Image, turn: int) -> tuple[int, int]:
    width, height = image.size
    return (height, width) if turn in SIDEWAYS else (width, height)


def _upright_rgb(image: Image.Image, turn: int, longest_side: int | None, keep_alpha: bool) -> Image.Image:
    if longest_side:
        image.draft(None, (longest_side, longest_side))  # the JPEG decoder reduces by 2, 4 or 8 for nothing
    picture = _to_8_bit(image)
    if longest_side:
        picture.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    if picture.mode == "RGBA" and not keep_alpha:
        picture = _on_white(picture)  # of the reduced picture: it takes three more of its size
    upright = _to_srgb(picture)
    if turn in TURNS:
        upright = upright.transpose(TURNS[turn])
    upright.info = {}
    return upright


def _to_8_bit(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey: Pillow's own conversion clips instead of scaling
        return image.convert("I").point(_HIGH_BYTES, "L")
    if _has_alpha(image):
        return _with_alpha(image)
    if image.mode in ("RGB", "L", "CMYK"):
        return image
    return image.convert("RGB")


def _with_alpha(image: Image.Image) -> Image.Image:
    return image if image.mode == "RGBA" else image.convert("RGBA")


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info


def _on_white(layer: Image.Image) -> Image.Image:
    """Transparent pixels may hide any colour."""
    flat = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    flat.info = layer.info
    return flat


def _to_srgb(image: Image.Image) -> Image.Image:
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    profile = image.info.get("icc_profile")
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(_without_pipelines(profile)))
            target = ImageCms.createProfile("sRGB")
            return cast(Image.Image, ImageCms.profileToProfile(image, source, target, outputMode=mode))
        except (ImageCms.PyCMSError, OSError):  # an unusable profile, or one for another number of channels
            pass
    return image.convert(mode)


def _without_pipelines(profile: bytes) -> bytes:
    """Without the tags that have as many steps as they like, for minutes of work: browsers do not know them either.

    Every profile has others that say the same.
    """
    table = 132 + 12 * int.from_bytes(profile[128:132], "big")
    return _PIPELINE.sub(lambda tag: tag[0].lower(), profile[:table]) + profile[table:]

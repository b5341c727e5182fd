"""What every provider speaks: requests, results, and the three protocols."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Protocol, TypeVar, get_args, runtime_checkable

from libs.providers.record import CallInfo
from libs.providers.specification import Attribute, Defect, ProductSpec

AspectRatio = Literal["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"]
Resolution = Literal["1K", "2K", "4K"]
View = Literal["auto", "front", "top"]
ASPECT_RATIOS: tuple[AspectRatio, ...] = get_args(AspectRatio)
RESOLUTIONS: tuple[Resolution, ...] = get_args(Resolution)

T = TypeVar("T")


class Capability(enum.StrEnum):
    """What can be asked of a provider; the chain of each is the setting `PROVIDERS_<CAPABILITY>`."""

    DESCRIBE = "vision.describe"
    CLASSIFY = "vision.classify"
    ATTRIBUTES = "vision.attributes"
    DEFECTS = "vision.defects"
    PROMPTS = "text.prompts"
    GENERATE = "image.generate"
    EDIT = "image.edit"
    TRY_ON = "image.tryon"
    REMOVE_BACKGROUND = "image.remove_bg"


@dataclass(frozen=True, slots=True)
class ImageBlob:
    """An accepted picture; `width` and `height` are those of the upright picture.

    `slot` is where a garment is worn, such as `upper_body`, if that is known; `bare` tells of a file that is known to
    hold nothing but pixels.
    """

    data: bytes
    mime: str
    width: int
    height: int
    role: Literal["product", "reference", "person", "garment", "parent", "mask"] = "product"
    slot: str | None = None
    bare: bool = False


@dataclass(frozen=True, slots=True)
class KnownSize:
    """A length the user knows, which turns the outline's ratio into dimensions."""

    axis: Literal["width", "height"]
    value: float
    unit: Literal["mm", "cm", "m", "in"] = "mm"


@dataclass(frozen=True, slots=True)
class Hints:
    """What the user already said about the product."""

    title: str | None = None
    description: str | None = None
    known_size: KnownSize | None = None
    marker_mm: float | None = None
    """Side of a printed ArUco marker (4x4_50) that lies in the product's plane."""


@dataclass(frozen=True, slots=True)
class Brief:
    """What somebody wants a brand to look like; `references` are pictures they like.

    `purpose` is what the prompts out of it are for.
    """

    text: str
    brand_name: str | None = None
    tagline: str | None = None
    industry: str | None = None
    styles: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    references: Sequence[ImageBlob] = ()
    purpose: Literal["picture", "logo"] = "picture"


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """One picture to make; a request for several is several of these, each with its own `index` and seed.

    `prompt` says everything that a model needs; a provider that composes or draws reads the other fields too.
    What the references are is told by their roles:

    - generate: the photos of the product, the primary one first; none are needed for a logo.
    - edit: the picture to change (`parent`), then other references. `prompt` says what is to change.
    - try-on: one `person`, then the garments (`garment`).
    - background removal: the one picture; of a `person`, all of them stays.

    The chain hands them out in that order; what is changed keeps its own proportions, whatever `aspect_ratio` says.

    A logo is generated from `brief`. Who draws it puts a design document into the result's `details["design"]`;
    that document as `design` of a later edit lets them change what was drawn instead of painting over it.
    """

    prompt: str
    references: Sequence[ImageBlob] = ()
    aspect_ratio: AspectRatio = "1:1"
    resolution: Resolution = "1K"
    seed: int = 0
    index: int = 0
    """Place among the pictures of one request: the same seed gives another framing for another index."""
    view: View = "auto"
    scene: str | None = None
    """The user's own words when `prompt` also describes the product; the local provider reads only these."""
    transparent: bool = False
    strength: float | None = None
    """Of an edit: 0 keeps the picture, 1 lets go of it."""
    brief: Brief | None = None
    design: Mapping[str, Any] | None = None
    specification: Mapping[str, Any] | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """The caller's facts (request id, specification version and so on) for the record inside the picture."""

    def of_role(self, *roles: str) -> list[ImageBlob]:
        """The references in these roles, in their order."""
        return [reference for reference in self.references if reference.role in roles]


@dataclass(frozen=True, slots=True)
class Analysis(Generic[T]):
    """What a vision provider read out of photos."""

    value: T
    call: CallInfo


@dataclass(frozen=True, slots=True)
class ImageOut:
    """A checked and encoded picture; its size is measured, never taken from an answer on the wire.

    `sha256` in hexadecimal; `source` is what the file says of its origin, a term of IPTC's vocabulary.
    """

    data: bytes
    mime: str
    width: int
    height: int
    sha256: str
    source: str | None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class ImageResult:
    """One picture and how it was made; `details` is JSON (scene, words used and ignored, design, confidence…).

    `vector` is the same picture as an SVG document, of a provider that draws.
    """

    image: ImageOut
    call: CallInfo
    details: Mapping[str, Any] = field(default_factory=dict)
    text: str | None = None
    vector: str | None = None


@runtime_checkable
class VisionProvider(Protocol):
    """Reads photos. Every method raises `ProviderError`, and nothing else, when it cannot answer.

    `model` is one of those on the provider's card; the chain chooses it.
    """

    name: str

    async def describe(self, images: Sequence[ImageBlob], hints: Hints, model: str) -> Analysis[ProductSpec]:
        """One specification out of all photos of a product, the primary photo first."""
        ...

    async def classify(
        self, image: ImageBlob, labels: Sequence[str], model: str
    ) -> Analysis[dict[str, float]]:
        """Confidence per label, for `labels` alone, or for words of the provider's own if there are none."""
        ...

    async def attributes(
        self, image: ImageBlob, names: Sequence[str], model: str
    ) -> Analysis[tuple[Attribute, ...]]:
        """One per name, in the order of `names`; a value that cannot be seen is `None`."""
        ...

    async def defects(self, image: ImageBlob, model: str) -> Analysis[tuple[Defect, ...]]: ...

    async def aclose(self) -> None: ...


@runtime_checkable
class TextProvider(Protocol):
    """Writes. Raises `ProviderError`, and nothing else, when it cannot answer."""

    name: str

    async def prompts(self, brief: Brief, count: int, model: str) -> Analysis[tuple[str, ...]]:
        """`count` prompts for pictures that answer the brief in different ways."""
        ...

    async def aclose(self) -> None: ...


@runtime_checkable
class ImageProvider(Protocol):
    """Makes pictures. Every method raises `ProviderError`, and nothing else, when it cannot answer.

    A picture is checked before it is handed out: decoded, measured, within the limits of `libs.imaging.decode`.
    """

    name: str

    async def generate(self, request: ImageRequest, model: str) -> ImageResult: ...

    async def edit(self, request: ImageRequest, model: str) -> ImageResult: ...

    async def try_on(self, request: ImageRequest, model: str) -> ImageResult: ...

    async def remove_background(self, request: ImageRequest, model: str) -> ImageResult: ...

    async def aclose(self) -> None: ...

"""The pictures that come with a request: what must be among them, and in which order a model sees them."""

from dataclasses import replace

from libs.providers.base import ASPECT_RATIOS, AspectRatio, Capability, ImageBlob, ImageRequest
from libs.providers.errors import ErrorCode, ProviderError

SUBJECT = {Capability.EDIT: "parent", Capability.TRY_ON: "person"}
"""Whom the work is done on."""


def arranged(capability: Capability, request: ImageRequest) -> ImageRequest:
    """Its subject first, as the prompts say, and in a try-on only garments after it.

    The picture that is made has its subject's proportions, as nearly as a named ratio has them. Raises
    `ProviderError` (invalid request) without a subject, or without a garment.
    """
    if capability not in SUBJECT:
        return request
    subject = request.of_role(SUBJECT[capability])
    others = [one for one in request.references if one.role != SUBJECT[capability]]
    if capability is Capability.TRY_ON:
        others = request.of_role("garment")
        if not others:
            raise _invalid("a try-on needs the picture of a garment")
    if not subject:
        if request.design:  # a drawing that can be made anew without any picture of it
            return replace(request, references=[])
        raise _invalid(f"this needs the picture of its {SUBJECT[capability]}")
    return replace(request, references=[subject[0], *others], aspect_ratio=nearest_ratio(subject[0]))


def subject_of(request: ImageRequest, provider: str) -> ImageBlob:
    """Of a request that was arranged. Raises `ProviderError` (unsupported): a drawing is changed by who draws."""
    if request.references:
        return request.references[0]
    text = f"{provider} changes pictures, and this has none"
    raise ProviderError(ErrorCode.UNSUPPORTED, text, provider)


def nearest_ratio(picture: ImageBlob) -> AspectRatio:
    def distance(ratio: AspectRatio) -> float:
        wide, high = map(int, ratio.split(":"))
        share = (picture.width * high) / (picture.height * wide)
        return max(share, 1 / share)

    return min(ASPECT_RATIOS, key=distance)


def _invalid(message: str) -> ProviderError:
    return ProviderError(ErrorCode.INVALID, message, "none")

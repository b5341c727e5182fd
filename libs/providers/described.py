"""A description as it will be kept: what the user has stated wins, and what nobody could read back is refused."""

from dataclasses import replace

from libs.common.errors import Invalid
from libs.providers import spec_yaml
from libs.providers.base import Analysis, Hints, KnownSize
from libs.providers.errors import ErrorCode, ProviderError
from libs.providers.specification import MILLIMETRES, Dimension, Dimensions, ProductSpec

FARTHEST = 2.0
"""By how much a provider's own estimate of a known size may be wrong before its other estimates are worth nothing."""
LEFT_OUT = "sizes that were estimated beside the one you gave did not fit it and are left out"


def settled(described: Analysis[ProductSpec], hints: Hints) -> Analysis[ProductSpec]:
    """Raises ProviderError (bad response), so that the next provider is asked before anything has to be stored."""
    spec = as_stated(described.value, hints)
    try:
        kept = spec_yaml.parse_yaml(spec_yaml.dump(spec))
    except Invalid as error:
        raise _unkept(described, error.detail) from error
    if kept.model_dump(mode="json") != spec.model_dump(mode="json"):
        raise _unkept(described, "it would read otherwise than it was written")
    return replace(described, value=spec)


def _unkept(described: Analysis[ProductSpec], why: str) -> ProviderError:
    call = described.call
    text = f"the specification cannot be kept: {why}"
    return ProviderError(
        ErrorCode.BAD_RESPONSE, text, call.provider, request_id=call.request_id, usage=call.usage
    )


def as_stated(spec: ProductSpec, hints: Hints) -> ProductSpec:
    """With the user's title and known size, whatever a provider makes of them."""
    stated: dict[str, object] = {"title": hints.title} if hints.title else {}
    if hints.known_size:
        stated["dimensions"] = _scaled(spec.dimensions or Dimensions(items=()), hints.known_size)
    return spec.model_copy(update=stated)


def _scaled(told: Dimensions, known: KnownSize) -> Dimensions:
    """Estimates keep their proportion to the known size; who is far off with that one knows none of them."""
    given = Dimension(axis=known.axis, value=known.value, unit=known.unit, basis="given")
    own = [item for item in told.items if item.axis == known.axis]
    others = [item for item in told.items if item.axis != known.axis]
    scale = _millimetres(given) / _millimetres(own[0]) if own else 1.0
    if not 1 / FARTHEST <= scale <= FARTHEST:
        kept = [item for item in others if not _is_estimate(item)]
        note = LEFT_OUT if len(kept) < len(others) else told.note
        return told.model_copy(update={"items": (given, *kept), "note": note})
    fitted = [_times(item, scale) if _is_estimate(item) else item for item in others]
    return told.model_copy(update={"items": (given, *fitted)})


def _is_estimate(item: Dimension) -> bool:
    return item.basis == "estimated" and item.unit in MILLIMETRES


def _millimetres(item: Dimension) -> float:
    return item.value * MILLIMETRES[item.unit]


def _times(item: Dimension, scale: float) -> Dimension:
    return item if scale == 1 else item.model_copy(update={"value": float(f"{item.value * scale:.4g}")})

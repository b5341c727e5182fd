"""Which form of an answer a client likes best, by its `Accept` header (RFC 9110, 12.5.1)."""

from collections.abc import Sequence

SPECIFICITY = 2  # of a range that names a type and a subtype


def preferred(accept: str, offers: Sequence[str]) -> str:
    """The first of the best liked; if none is acceptable the first of all, for an answer is better than a 406."""
    ranges = [_range(one) for one in accept.lower().split(",")]
    return max(offers, key=lambda offer: _liking(offer, ranges))


def _range(text: str) -> tuple[str, float]:
    """A media range and its quality, which is 0 where it cannot be read."""
    name, *parameters = (part.strip() for part in text.split(";"))
    quality = next((value[2:] for value in parameters if value.startswith("q=")), "1")
    try:
        return name, float(quality)
    except ValueError:
        return name, 0.0


def _liking(offer: str, ranges: Sequence[tuple[str, float]]) -> tuple[float, int]:
    """The quality that the most specific range gives it, and how specific that one is if it is welcome."""
    family = offer.partition("/")[0]
    for specificity, name in enumerate((offer, f"{family}/*", "*/*")):
        if qualities := [quality for one, quality in ranges if one == name]:
            return max(qualities), SPECIFICITY - specificity if any(qualities) else 0
    return 0.0, 0

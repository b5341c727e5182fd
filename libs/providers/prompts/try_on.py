"""A person in other clothes."""

from collections.abc import Sequence

TEMPLATE = "try-on/1"

KEEP = (
    "Keep the person exactly as they are: face, hair, skin, body shape, pose and hands. "
    "Keep the background and the light. "
    "Show every garment exactly as in its photo: cut, length, colours, pattern, texts and logos. "
    "Let it drape naturally, with the folds and shadows that the pose asks for. A photograph, nothing else added."
)


def try_on_prompt(slots: Sequence[str | None], wish: str | None = None) -> str:
    """For references in this order: the person, then the garments; `slots` are where each of those is worn."""
    worn = [_worn(number, slot) for number, slot in enumerate(slots, start=2)]
    lines = ["The first picture shows a person. Dress this person:", *worn, KEEP]
    if wish:
        lines.append(f"Also: {wish}")
    return "\n".join(lines)


def _worn(number: int, slot: str | None) -> str:
    where = f" on the {slot.replace('_', ' ')}" if slot else ""
    return f"- in the garment of picture {number}{where}, in place of what is worn there now"

"""A picture changed by an instruction: refine."""

TEMPLATE = "edit/1"

SMALL = 0.35
LARGE = 0.75


def edit_prompt(instruction: str, strength: float | None = None, *, references: int = 0) -> str:
    """For the picture to change, followed by so many other references; `strength` from 0 (keep) to 1 (let go)."""
    lines = [f"Change the first picture: {instruction}", _keep(strength)]
    if references:
        others = "picture is" if references == 1 else f"{references} pictures are"
        lines.append(f"The other {others} for reference only.")
    return "\n".join(lines)


def _keep(strength: float | None) -> str:
    if strength is not None and strength >= LARGE:
        return "Take it as a starting point; composition and style may change with it."
    if strength is not None and strength <= SMALL:
        return "Change as little as possible: every part that is not named stays exactly as it is."
    return "Keep everything that is not named: subject, composition, texts, logos, colours and style."

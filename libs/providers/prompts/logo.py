"""A logo out of a brand's brief."""

from libs.providers.base import Brief

TEMPLATE = "logo/1"

FORM = (
    "A flat vector-style mark with few shapes and clean edges, centred with generous margins, readable at 32 pixels. "
    "One logo only: no mockup, no photograph, no shadows, no border, no watermark."
)


def logo_prompt(brief: Brief, idea: str | None = None, *, transparent: bool = False) -> str:
    """`idea` is one direction out of several, such as one that `text.prompts` wrote."""
    name = f" for “{brief.brand_name}”" if brief.brand_name else ""
    lines = [f"A logo{name}. {FORM}"]
    if brief.brand_name:
        lines.append(f"The only words in it, spelled exactly: {_words(brief)}.")
    else:
        lines.append("No words in it.")
    lines += [f"{label}: {value}" for label, value in _facts(brief, idea) if value]
    lines.append("On a transparent background." if transparent else "On a plain white background.")
    return "\n".join(lines)


def _words(brief: Brief) -> str:
    words = f"“{brief.brand_name}”"
    return f"{words}, and smaller below it “{brief.tagline}”" if brief.tagline else words


def _facts(brief: Brief, idea: str | None) -> list[tuple[str, str | None]]:
    return [
        ("Direction", idea),
        ("Industry", brief.industry),
        ("Style", ", ".join(brief.styles)),
        ("Colours", ", ".join(brief.colours)),
        ("Brief", brief.text),
    ]

"""The words the local provider understands; everything else is reported as without effect."""

PHRASES = {
    "close-up": "closeup",
    "white background": "white-background",
    "flat lay": "flatlay",
    "flat-lay": "flatlay",
    "top view": "overhead",
    "top-down": "overhead",
    "from above": "overhead",
}

SCENES = {
    **dict.fromkeys(["marble"], "marble"),
    **dict.fromkeys(["stone", "concrete", "cement", "slate"], "concrete"),
    **dict.fromkeys(["wood", "wooden", "oak", "walnut", "table", "desk", "timber", "rustic"], "wood"),
    **dict.fromkeys(["sand", "beach", "desert"], "sand"),
    **dict.fromkeys(["fabric", "cloth", "cotton", "velvet", "silk"], "fabric"),
    **dict.fromkeys(["forest", "garden", "nature", "leaves", "outdoor", "outdoors"], "forest"),
    **dict.fromkeys(["park", "plants"], "forest"),
    **dict.fromkeys(["city", "night", "neon", "lights", "bokeh", "party"], "city"),
    **dict.fromkeys(["sunset", "sunrise"], "sunset"),
    **dict.fromkeys(["sky", "clouds"], "sky"),
    **dict.fromkeys(["kitchen", "tiles", "bathroom"], "kitchen"),
    **dict.fromkeys(["gradient"], "gradient"),
    **dict.fromkeys(
        ["studio", "plain", "catalog", "catalogue", "ecommerce", "packshot", "white-background"], "studio"
    ),
    **dict.fromkeys(["podium", "pedestal", "plinth", "platform", "stage"], "podium"),
    **dict.fromkeys(["terrazzo"], "terrazzo"),
    **dict.fromkeys(["water", "wet"], "water"),
    **dict.fromkeys(["mirror", "glass", "glossy"], "mirror"),
}

HINTS = frozenset(
    {
        "table",
        "desk",
        "night",
        "lights",
        "party",
        "plain",
        "wet",
        "glossy",
        "stage",
        "plants",
        "sky",
        "clouds",
    }
)
"""Scene words that go along with other scenes."""

EFFECTS: dict[str, tuple[str, str | float | bool]] = {
    **dict.fromkeys(["warm", "golden", "cosy", "cozy"], ("warmth", 1.0)),
    **dict.fromkeys(["cool", "cold", "icy"], ("warmth", -1.0)),
    **dict.fromkeys(["dark", "moody", "dramatic", "spotlight", "luxury", "elegant"], ("light", "dark")),
    **dict.fromkeys(["bright", "airy", "clean", "fresh", "minimal", "minimalist"], ("light", "bright")),
    **dict.fromkeys(["soft", "diffuse"], ("light", "soft")),
    **dict.fromkeys(["hard", "harsh", "sunny"], ("light", "hard")),
    **dict.fromkeys(["reflection", "reflective"], ("reflection", 0.35)),
    **dict.fromkeys(["floating", "levitating", "hovering"], ("floating", True)),
    **dict.fromkeys(["closeup", "macro"], ("scale", 1.28)),
    **dict.fromkeys(["wide", "small", "tiny"], ("scale", 0.72)),
    **dict.fromkeys(["overhead", "flatlay"], ("view", "top")),
    "shadow": ("shadow", True),
    "left": ("place", -0.45),
    "right": ("place", 0.45),
}
"""Word to the attribute of the plan that it sets."""

NEGATED_EFFECTS: dict[str, tuple[str, str | float | bool]] = {
    "shadow": ("shadow", False),
    "shadows": ("shadow", False),
    "reflection": ("reflection", 0.0),
    "reflections": ("reflection", 0.0),
}
"""The same after "no" or "without"."""

COLOURS = {
    "cream": "#f3e9d8",
    "mint": "#b9e4cf",
    "peach": "#ffd2b5",
    "blush": "#f4cfc9",
    "sage": "#b3bfa3",
    "terracotta": "#c8694a",
    "mustard": "#d9a62e",
    "charcoal": "#33373c",
    "burgundy": "#6d1f2f",
    "pastel": "#f3d9e4",
    "rose": "#e8a5b0",
    "emerald": "#1d7a5a",
    "aubergine": "#3f2140",
    "ochre": "#c98a2b",
    # Plain words mean printable tones, not the fully saturated CSS values.
    "blue": "#4a78b5",
    "red": "#b8433a",
    "green": "#5f9468",
    "yellow": "#efc94c",
    "purple": "#7d5a9e",
    "pink": "#eba9bb",
    "orange": "#e58a3c",
    "cyan": "#7cc4d3",
    "magenta": "#b8478a",
    "lime": "#b5cf5b",
    "black": "#17181b",
    "white": "#f7f7f5",
    "grey": "#b9bbbd",
    "gray": "#b9bbbd",
    "white-background": "#fafafa",
}

WOODS = frozenset({"orange", "tan", "lime", "rose"})
"""Colour words that name a wood before "wood"."""

_EMPTY_WORDS = """
    a an the of on in at to for with and or by from into over under my our your its is are be as it this that
    these those product photo photograph image picture shot shots background backdrop scene showing show place
    placed put please make create generate style look very some any no not without front view high quality
    realistic photorealistic professional commercial advertising shadow shadows reflection reflections
    floating centered centred left right close up wide large big top lay flat against surface countertop
    floor standing sitting natural light lighting daylight colour color coloured colored gentle
"""
EMPTY = frozenset(_EMPTY_WORDS.split())
"""Words without a meaning of their own here; not worth a report."""

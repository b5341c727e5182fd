"""The words the local provider understands; everything else is reported as without effect."""


def word_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


PHRASES = {
    "close-up": "closeup",
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
    **dict.fromkeys(["fabric", "cloth", "cotton", "velvet", "silk", "linen"], "fabric"),
    **dict.fromkeys(["forest", "garden", "nature", "leaves", "outdoor", "outdoors"], "forest"),
    **dict.fromkeys(["park", "plants"], "forest"),
    **dict.fromkeys(["city", "night", "neon", "lights", "bokeh", "party"], "city"),
    **dict.fromkeys(["sunset", "sunrise"], "sunset"),
    **dict.fromkeys(["sky", "clouds"], "sky"),
    **dict.fromkeys(["kitchen", "tiles", "bathroom"], "kitchen"),
    **dict.fromkeys(["gradient"], "gradient"),
    **dict.fromkeys(["studio", "plain", "catalog", "catalogue", "ecommerce", "packshot"], "studio"),
    **dict.fromkeys(["podium", "pedestal", "plinth", "platform", "stage"], "podium"),
    **dict.fromkeys(["terrazzo"], "terrazzo"),
    **dict.fromkeys(["water", "wet"], "water"),
    **dict.fromkeys(["mirror", "glass", "glossy"], "mirror"),
}

HINTS = word_set("table desk night lights party plain wet glossy stage plants sky clouds")
"""Scene words that go along with other scenes."""

MATERIALS = word_set("""
    marble stone concrete cement slate wood wooden oak walnut timber fabric cloth cotton velvet silk
    linen terrazzo water glass glossy mirror wet
""")
"""Scene words that a product may be made of or full of: in "a glass bottle" they are no scene."""

SURFACE_NOUNS = MATERIALS | word_set("""
    table desk sand beach desert tiles kitchen bathroom podium pedestal plinth platform stage floor
    countertop counter surface tabletop ground shelf tray tablecloth planks board slab
""")
WALL_NOUNS = word_set("""
    wall walls background backdrop sky clouds sunset sunrise forest garden nature leaves park plants
    city trees
""")
LIGHT_NOUNS = frozenset(["lights", "neon", "bokeh"])
"""A colour belongs to the noun it stands before: what the product stands on, what is behind it, or lights."""

EFFECTS: dict[str, tuple[str, str | float | bool]] = {
    **dict.fromkeys(["warm", "golden", "cosy", "cozy"], ("warmth", 1.0)),
    **dict.fromkeys(["cool", "cold", "icy"], ("warmth", -1.0)),
    **dict.fromkeys(["dark", "moody", "dramatic", "spotlight", "luxury", "elegant"], ("light", "dark")),
    **dict.fromkeys(["night", "midnight", "gloomy", "noir"], ("light", "dark")),
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

OF_THINGS = word_set("dark bright soft hard golden clean fresh warm cool cold icy small tiny wide reflective")
"""Words that tell of a product what it is like: in "a small bag" the picture is as ever."""

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
    "white": "#fafafa",
    "grey": "#b9bbbd",
    "gray": "#b9bbbd",
    "brown": "#7a5a43",
}

PLAIN_COLOURS = word_set(
    "blue red green yellow purple pink orange cyan magenta lime black white grey gray brown"
)
MODIFIERS: dict[str, tuple[str, float]] = {
    **dict.fromkeys(["light", "pale", "pastel"], ("#ffffff", 0.5)),
    **dict.fromkeys(["dark", "deep"], ("#101014", 0.5)),
    **dict.fromkeys(["dusty", "muted"], ("#a9a39d", 0.4)),
}
"""Before a colour: what is mixed into it, and how much."""

WOODS = frozenset({"orange", "tan", "lime", "rose"})
"""Colour words that name a wood before "wood"."""

EMPTY = word_set("""
    a an the of on in at to for with and or by from into over under my our your its is are be as it this that
    these those product photo photograph image picture shot shots background backdrop scene showing show place
    placed put please make create generate style look very some any front view high quality use used using
    realistic photorealistic professional commercial advertising shadow shadows reflection reflections
    floating centered centred left right close up wide large big top lay flat against surface countertop
    floor standing sitting natural light lighting daylight colour color coloured colored gentle wall walls
    counter tabletop ground shelf tray tablecloth planks board slab trees vibe vibes mood atmosphere aesthetic
    setting feel theme tone tones too so item object photography
""")
"""Words without a meaning of their own here; not worth a report."""

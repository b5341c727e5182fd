"""Prompts out of a brief: its own words as far as the local provider knows them, each time in another scene."""

from libs.providers.base import Brief
from libs.providers.local.prompt import parse
from libs.providers.local.vocabulary import EFFECTS, HINTS, SCENES

PHRASES = {
    "studio": "in a plain studio",
    "marble": "on a marble countertop",
    "wood": "on a rustic wooden table",
    "concrete": "on concrete",
    "sand": "on beach sand",
    "fabric": "on linen fabric",
    "forest": "in a forest garden",
    "city": "in front of city lights at night",
    "sunset": "before a sunset sky",
    "sky": "under a blue sky with clouds",
    "kitchen": "in a kitchen with tiles",
    "gradient": "before a gradient",
    "podium": "on a podium",
    "terrazzo": "on terrazzo",
    "water": "on a wet surface of water",
    "mirror": "on a mirror",
}
LIGHTS = ("soft light", "bright light", "dark and moody light", "hard sunny light")


def suggest(brief: Brief, count: int) -> tuple[str, ...]:
    """Scenes that the brief names come first; its colours and moods are in every prompt."""
    text = " ".join([brief.text, *brief.styles, *brief.colours])
    words = text.lower().replace(",", " ").split()
    named = [SCENES[word] for word in words if word in SCENES and word not in HINTS]
    scenes = list(dict.fromkeys([*named, *PHRASES]))
    kept = [word for word in parse(text).used if word not in SCENES or word in EFFECTS]
    moods = ", ".join(dict.fromkeys([*kept, *(colour for colour in brief.colours if colour.startswith("#"))]))
    subject = brief.brand_name or "the product"
    lit = any(word in EFFECTS and EFFECTS[word][0] == "light" for word in kept)
    prompts = []
    for index in range(count):
        turn, place = divmod(index, len(scenes))
        light = "" if lit else LIGHTS[(turn + place) % len(LIGHTS)]
        prompts.append(", ".join(filter(None, (f"{subject} {PHRASES[scenes[place]]}", light, moods))))
    return tuple(prompts)

"""Gemini as the registry lists it."""

from libs.providers.base import ASPECT_RATIOS, RESOLUTIONS, Capability
from libs.providers.card import Card, Model, Provider
from libs.providers.settings import ProviderSettings

NAME = "gemini"
VISION = frozenset(
    {
        Capability.DESCRIBE,
        Capability.CLASSIFY,
        Capability.ATTRIBUTES,
        Capability.DEFECTS,
        Capability.PROMPTS,
    }
)
IMAGES = frozenset({Capability.GENERATE, Capability.EDIT, Capability.TRY_ON})
MOST_REFERENCES = 14
LIMITS = {"aspect_ratios": ASPECT_RATIOS, "resolutions": RESOLUTIONS, "references": MOST_REFERENCES}


ALIASES = ("gemini-1.5-pro", "gemini-2.5-pro")
"""Of both default models: their names of earlier systems stood for whatever Gemini was asked for."""


def card(settings: ProviderSettings) -> Card:
    models = (
        Model(settings.gemini_vision_model, VISION, aliases=ALIASES),
        Model(
            settings.gemini_image_model, IMAGES, aliases=("nano-banana", "seedream", *ALIASES), limits=LIMITS
        ),
        Model(
            settings.gemini_image_model_quality,
            IMAGES,
            "quality",
            aliases=("gemini-3-pro-image-preview",),
            limits=LIMITS,
        ),
        Model(settings.gemini_image_model_cheap, IMAGES, "cheap", limits={**LIMITS, "resolutions": ("1K",)}),
    )

    def opened() -> Provider:
        from libs.providers.gemini.provider import GeminiProvider  # the SDK takes half a second and 50 MB

        return GeminiProvider(settings)

    return Card(NAME, models, opened, None if settings.gemini_api_key else "GEMINI_API_KEY is not set")

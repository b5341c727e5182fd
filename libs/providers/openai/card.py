"""OpenAI as the registry lists it."""

from libs.providers.base import ASPECT_RATIOS, RESOLUTIONS, Capability
from libs.providers.card import Card, Model, Provider
from libs.providers.settings import ProviderSettings

NAME = "openai"
VISION = frozenset(
    {
        Capability.DESCRIBE,
        Capability.CLASSIFY,
        Capability.ATTRIBUTES,
        Capability.DEFECTS,
        Capability.PROMPTS,
    }
)
IMAGES = frozenset({Capability.GENERATE, Capability.EDIT, Capability.TRY_ON, Capability.REMOVE_BACKGROUND})
MOST_REFERENCES = 16
LIMITS = {"aspect_ratios": ASPECT_RATIOS, "resolutions": RESOLUTIONS, "references": MOST_REFERENCES}


def card(settings: ProviderSettings) -> Card:
    models = (
        Model(
            settings.openai_vision_model,
            VISION,
            aliases=("gpt-5.2", "gpt-5.2-2025-12-11", "anthropic.claude-3-5-sonnet"),
            limits={"images": MOST_REFERENCES},
        ),
        Model(settings.openai_image_model, IMAGES, limits=LIMITS),
        Model(settings.openai_image_model_quality, IMAGES, "quality", limits=LIMITS),
    )

    def opened() -> Provider:
        from libs.providers.openai.provider import OpenAIProvider  # the SDK takes half a second and 50 MB

        return OpenAIProvider(settings)

    can_be_asked = settings.openai_api_key or settings.openai_base_url
    return Card(NAME, models, opened, None if can_be_asked else "OPENAI_API_KEY is not set")

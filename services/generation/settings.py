"""Generation's own variables."""

from libs.common.settings import Settings


class GenerationSettings(Settings):
    providers_image_generate: str = "local"
    """The providers to ask for a picture, by comma, best first."""

"""Variables of the providers: who is asked for what, their keys, their models, and how long they may take."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from libs.providers.base import Capability

STYLES = ("responses", "chat")


def _line(told: Any) -> Any:
    """Without the blanks around it: a file with a secret mostly ends with a line break, which no header may have."""
    return (told.strip() or None) if isinstance(told, str) else told


def _style(told: Any) -> Any:
    if _line(told) not in STYLES:
        raise ValueError(f"OPENAI_API_STYLE is {told!r}, and may be {' or '.join(STYLES)}")
    return _line(told)


Line = Annotated[str | None, BeforeValidator(_line)]
Model = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class ProviderSettings(BaseSettings):
    """Mixed into the settings of the services that ask providers. Without its key a provider is passed over."""

    model_config = SettingsConfigDict(
        frozen=True, populate_by_name=True, env_ignore_empty=True, hide_input_in_errors=True
    )

    # Who is asked, by comma, best first.
    providers_vision_describe: str = "openai,gemini,local"
    providers_vision_classify: str = "openai,gemini,local"
    providers_vision_attributes: str = "openai,gemini,local"
    providers_vision_defects: str = "openai,gemini,local"
    providers_text_prompts: str = "openai,gemini,local"
    providers_image_generate: str = "gemini,openai,local"
    providers_image_edit: str = "gemini,openai,local"
    providers_image_tryon: str = "gemini,openai,local"
    providers_image_remove_bg: str = "local,openai"

    providers_vision_seconds: float = Field(45, gt=0)
    """How long one provider may take for a description."""
    providers_image_seconds: float = Field(90, gt=0)
    """How long one provider may take for a picture."""
    providers_prices_file: str | None = None
    """Prices of the installation's own, in the form of `libs/providers/prices.yaml`."""

    openai_api_key: Line = Field(None, repr=False)
    openai_base_url: Line = None
    """Of a server that speaks the same protocol, such as vLLM or Ollama."""
    openai_api_style: Annotated[Literal["responses", "chat"], BeforeValidator(_style)] = "responses"
    """`chat` for servers that know chat completions only."""
    openai_vision_model: Model = "gpt-6.1-terra"
    openai_image_model: Model = "gpt-image-2.6-flare"
    openai_image_model_quality: Model = "gpt-image-2.6-sunburst"

    gemini_api_key: Line = Field(None, repr=False)
    gemini_base_url: Line = None
    gemini_vision_model: Model = "gemini-3.8-flash"
    gemini_image_model: Model = "gemini-3.1-flash-image"
    gemini_image_model_quality: Model = "gemini-3-pro-image"
    gemini_image_model_cheap: Model = "gemini-3.1-flash-lite-image"

    @model_validator(mode="after")
    def _of_this_build(self) -> Self:
        """A chain with an unknown name, or a price table in another form, is told at the start."""
        from libs.providers.directory import Directory  # which reads these settings

        Directory.from_settings(self)
        return self

    def chain(self, capability: Capability) -> tuple[str, ...]:
        """The names of the capability's providers, best first."""
        names = str(getattr(self, "providers_" + capability.replace(".", "_"))).split(",")
        return tuple(name.strip() for name in names if name.strip())

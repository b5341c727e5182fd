"""Analysis' own variables."""

from pydantic import Field

from libs.common.settings import Settings


class AnalysisSettings(Settings):
    providers_vision_describe: str = "local"
    """The providers to ask for a specification, by comma, best first."""
    analyze_sync_seconds: float = Field(60, ge=0)
    """How long POST /products/{id}/analyze waits for the specification before it answers 202."""

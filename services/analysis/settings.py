"""Analysis' own variables."""

from pydantic import Field

from libs.common.settings import Settings
from libs.providers.settings import ProviderSettings


class AnalysisSettings(Settings, ProviderSettings):
    analyze_sync_seconds: float = Field(60, ge=0)
    """How long POST /products/{id}/analyze waits for the specification before it answers 202."""

"""Generation's own variables."""

from datetime import timedelta

from pydantic import Field

from libs.common.settings import Settings
from libs.providers.settings import ProviderSettings


class GenerationSettings(Settings, ProviderSettings):
    retention_days: int = Field(30, ge=1)
    """For how long a deleted picture can be restored."""

    remove_bg_sync_seconds: float = Field(30, ge=0)
    """How long a removal of a background is waited for."""

    @property
    def retention(self) -> timedelta:
        return timedelta(days=self.retention_days)

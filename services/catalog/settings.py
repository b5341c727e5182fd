"""The catalog's variables."""

from datetime import timedelta

from pydantic import Field

from libs.common.settings import Settings


class CatalogSettings(Settings):
    retention_days: int = Field(30, ge=1)
    """How long a deleted product can be restored."""

    @property
    def retention(self) -> timedelta:
        return timedelta(days=self.retention_days)

"""Jobs keep who was asked in vain."""

from libs.common.migrate import apply_core

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    apply_core("0002_failed_attempts")

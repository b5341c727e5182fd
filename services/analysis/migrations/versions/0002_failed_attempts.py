"""Jobs keep who was asked in vain, and count the steps that failed."""

from alembic import op

from libs.common.migrate import apply_core

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    apply_core("0002_failed_attempts")
    op.execute("ALTER TABLE jobs ADD COLUMN failed integer NOT NULL DEFAULT 0")

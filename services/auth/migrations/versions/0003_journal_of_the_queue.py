"""A journal ends with its job."""

from libs.common.migrate import apply_core

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    apply_core("0003_journal_of_the_queue")

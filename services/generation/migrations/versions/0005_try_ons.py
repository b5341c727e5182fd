"""A person's try-ons, newest first."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("CREATE INDEX ON generation_requests (owner_id, created_at) WHERE product_id IS NULL")

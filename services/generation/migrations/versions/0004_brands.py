"""Brand projects, and what is made for them."""

from alembic import op

revision = "0004"
down_revision = "0003"

PROJECTS = """
CREATE TABLE brand_projects (
  project_id uuid        PRIMARY KEY,
  version    integer     NOT NULL,
  owner_id   uuid        NOT NULL,
  request_id uuid        NOT NULL,
  brand_name text        NOT NULL,
  tagline    text,
  industry   text,
  brief      text        NOT NULL,
  style      jsonb       NOT NULL,
  colors     jsonb       NOT NULL,
  inspiration jsonb      NOT NULL,
  created_at timestamptz NOT NULL
)
"""

ASSETS = """
CREATE TABLE brand_assets (
  image_id        uuid        PRIMARY KEY,
  project_id      uuid        NOT NULL,
  owner_id        uuid        NOT NULL,
  request_id      uuid        NOT NULL,
  index           integer     NOT NULL,
  parent_image_id uuid,
  kind            text        NOT NULL,
  seed            bigint      NOT NULL,
  prompt          text,
  created_at      timestamptz NOT NULL
)
"""


def upgrade() -> None:
    op.execute("ALTER TABLE gallery ADD COLUMN project_id uuid, ADD COLUMN vector_key text")
    op.execute("CREATE INDEX ON gallery (project_id, created_at) WHERE project_id IS NOT NULL")
    op.execute(PROJECTS)
    op.execute("CREATE INDEX ON brand_projects (owner_id, created_at)")
    op.execute(ASSETS)
    op.execute("CREATE INDEX ON brand_assets (project_id)")
    op.execute("CREATE INDEX ON brand_assets (request_id)")

"""The log and the jobs; generation requests, the gallery, and what is known of products."""

from alembic import op

from libs.common.migrate import apply_core

revision = "0001"
down_revision = None

GENERATION_REQUESTS = """
CREATE TABLE generation_requests (
  request_id             uuid             PRIMARY KEY,
  owner_id               uuid             NOT NULL,
  product_id             uuid,
  kind                   text             NOT NULL,
  prompt                 text             NOT NULL,
  custom_prompt_override text,
  final_prompt           text             NOT NULL,
  prompt_template        text             NOT NULL,
  aspect_ratio           text             NOT NULL,
  resolution             text             NOT NULL,
  images                 jsonb            NOT NULL,
  specification          jsonb,
  "references"           jsonb            NOT NULL,
  provider               text,
  model                  text,
  fallback               boolean          NOT NULL,
  fallback_from          text,
  rerun_of               uuid,
  status                 text             NOT NULL,
  done                   integer          NOT NULL,
  attempts               integer          NOT NULL,
  cost                   double precision NOT NULL,
  failures               jsonb            NOT NULL,
  code                   text,
  error_message          text,
  retryable              boolean,
  created_at             timestamptz      NOT NULL,
  started_at             timestamptz,
  completed_at           timestamptz
)
"""

GALLERY = """
CREATE TABLE gallery (
  image_id              uuid        PRIMARY KEY,
  version               integer     NOT NULL,
  owner_id              uuid        NOT NULL,
  product_id            uuid,
  request_id            uuid        NOT NULL,
  generation_index      integer     NOT NULL,
  kind                  text        NOT NULL,
  key                   text        NOT NULL,
  sha256                text        NOT NULL,
  content_type          text        NOT NULL,
  file_size_bytes       integer     NOT NULL,
  width                 integer     NOT NULL,
  height                integer     NOT NULL,
  seed                  bigint      NOT NULL,
  prompt                text        NOT NULL,
  aspect_ratio          text        NOT NULL,
  resolution            text        NOT NULL,
  specification_id      uuid,
  specification_version integer,
  specification_sha256  text,
  parent_image_id       uuid,
  provider              text        NOT NULL,
  model                 text        NOT NULL,
  fallback_from         text,
  model_response_text   text,
  call                  jsonb       NOT NULL,
  created_at            timestamptz NOT NULL,
  favourite             boolean     NOT NULL,
  rating                integer,
  label                 text,
  restorable_until      timestamptz,
  UNIQUE (request_id, generation_index)
)
"""

GALLERY_HISTORY = """
CREATE TABLE gallery_history (
  image_id         uuid        NOT NULL,
  version          integer     NOT NULL,
  since            timestamptz NOT NULL,
  favourite        boolean     NOT NULL,
  rating           integer,
  label            text,
  restorable_until timestamptz,
  PRIMARY KEY (image_id, version)
)
"""

REFS_PRODUCTS = """
CREATE TABLE refs_products (
  product_id uuid    PRIMARY KEY,
  owner_id   uuid    NOT NULL,
  title      text    NOT NULL,
  deleted    boolean NOT NULL,
  version    integer NOT NULL
)
"""


def upgrade() -> None:
    apply_core("0001_core")
    op.execute(GENERATION_REQUESTS)
    op.execute("CREATE INDEX ON generation_requests (product_id, created_at)")
    op.execute(GALLERY)
    op.execute("CREATE INDEX ON gallery (product_id, created_at)")
    op.execute(GALLERY_HISTORY)
    op.execute(REFS_PRODUCTS)

"""The log and the jobs; specifications, everybody's jobs, and what is known of products."""

from alembic import op

from libs.common.migrate import apply_core

revision = "0001"
down_revision = None

SPECIFICATIONS = """
CREATE TABLE specifications (
  specification_id   uuid             PRIMARY KEY,
  product_id         uuid             NOT NULL,
  owner_id           uuid             NOT NULL,
  version            integer          NOT NULL,
  stream_version     integer          NOT NULL,
  is_active          boolean          NOT NULL,
  yaml_content       text             NOT NULL,
  sha256             text             NOT NULL,
  key                text             NOT NULL,
  source             text             NOT NULL,
  template_version   text             NOT NULL,
  confidence_overall double precision,
  image_count        integer          NOT NULL,
  analysis_model     text,
  provider           text,
  job_id             uuid,
  change_notes       text,
  primary_dimensions jsonb,
  primary_colors     jsonb,
  material_type      text,
  created_at         timestamptz      NOT NULL,
  UNIQUE (product_id, version)
)
"""

JOBS = """
CREATE TABLE jobs (
  job_id       uuid             PRIMARY KEY,
  version      integer          NOT NULL,
  service      text             NOT NULL,
  owner_id     uuid             NOT NULL,
  job_type     text             NOT NULL,
  title        text             NOT NULL,
  product_id   uuid,
  status       text             NOT NULL,
  attempts     integer          NOT NULL,
  completed    integer          NOT NULL,
  total        integer          NOT NULL,
  cost         double precision NOT NULL,
  result       jsonb            NOT NULL,
  code         text,
  detail       text,
  retryable    boolean,
  created_at   timestamptz      NOT NULL,
  started_at   timestamptz,
  completed_at timestamptz,
  updated_at   timestamptz      NOT NULL
)
"""

JOB_EVENTS = """
CREATE TABLE job_events (
  job_id      uuid        NOT NULL,
  version     integer     NOT NULL,
  type        text        NOT NULL,
  status      text        NOT NULL,
  step        text,
  completed   integer,
  data        jsonb       NOT NULL,
  occurred_at timestamptz NOT NULL,
  PRIMARY KEY (job_id, version)
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
    op.execute(SPECIFICATIONS)
    op.execute("CREATE UNIQUE INDEX specifications_active_idx ON specifications (product_id) WHERE is_active")
    op.execute(JOBS)
    op.execute("CREATE INDEX ON jobs (owner_id, created_at, job_id)")
    op.execute(JOB_EVENTS)
    op.execute(REFS_PRODUCTS)

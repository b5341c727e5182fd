"""The core tables; products, their slugs, their photos, and which of them are being analysed."""

from alembic import op

from libs.common.migrate import apply_core

revision = "0001"
down_revision = None

PRODUCTS = """
CREATE TABLE products (
  product_id  uuid        PRIMARY KEY,
  owner_id    uuid        NOT NULL,
  title       text        NOT NULL,
  slug        text        NOT NULL,
  description text,
  category    text,
  subcategory text,
  tags        text[]      NOT NULL,
  status      text        NOT NULL,
  metadata    jsonb       NOT NULL,
  created_at  timestamptz NOT NULL,
  updated_at  timestamptz NOT NULL,
  deleted_at  timestamptz,
  version     integer     NOT NULL,
  words       tsvector    NOT NULL GENERATED ALWAYS AS (to_tsvector('simple', translate(
    title || ' ' || coalesce(description, '')
      || ' ' || coalesce(category, '') || ' ' || coalesce(subcategory, ''),
    '-_/\\.,:;@&<>+#''', '               '))) STORED
)
"""

SLUGS = """
CREATE TABLE product_slugs (
  slug       text PRIMARY KEY,
  product_id uuid NOT NULL,
  owner_id   uuid NOT NULL
)
"""

REFERENCES = """
CREATE TABLE product_references (
  reference_id      uuid        PRIMARY KEY,
  product_id        uuid        NOT NULL,
  owner_id          uuid        NOT NULL,
  key               text        NOT NULL,
  sha256            text        NOT NULL,
  content_type      text        NOT NULL,
  original_filename text        NOT NULL,
  file_size_bytes   integer     NOT NULL,
  width             integer     NOT NULL,
  height            integer     NOT NULL,
  is_primary        boolean     NOT NULL,
  display_order     integer     NOT NULL,
  alt_text          text,
  uploaded_at       timestamptz NOT NULL
)
"""

ANALYSES = """
CREATE TABLE running_analyses (
  job_id     uuid PRIMARY KEY,
  product_id uuid NOT NULL,
  owner_id   uuid NOT NULL
)
"""

INDEXES = (
    "CREATE INDEX products_owner_id_created_at_product_id_idx "
    "ON products (owner_id, created_at, product_id) INCLUDE (deleted_at)",
    "CREATE INDEX products_slug_idx ON products (slug)",
    "CREATE INDEX products_words_idx ON products USING gin (words)",
    "CREATE INDEX product_slugs_product_id_idx ON product_slugs (product_id)",
    "CREATE INDEX product_slugs_owner_id_idx ON product_slugs (owner_id)",
    "CREATE INDEX product_references_product_id_idx ON product_references (product_id)",
    "CREATE UNIQUE INDEX product_references_primary_idx ON product_references (product_id) WHERE is_primary",
    "CREATE INDEX running_analyses_product_id_idx ON running_analyses (product_id)",
)


def upgrade() -> None:
    apply_core("0001_core")
    for statement in (PRODUCTS, SLUGS, REFERENCES, ANALYSES, *INDEXES):
        op.execute(statement)

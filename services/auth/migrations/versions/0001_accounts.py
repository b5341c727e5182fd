"""Accounts, their credentials and sessions."""

from alembic import op

from libs.common.migrate import apply_core

revision = "0001_accounts"
down_revision = None

TABLES = """
CREATE TABLE accounts (
    account_id uuid PRIMARY KEY,
    userid text NOT NULL,
    email text,
    username text,
    full_name text,
    role text NOT NULL,
    active boolean NOT NULL,
    must_change_password boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version integer NOT NULL
);

CREATE TABLE handles (
    handle text PRIMARY KEY,
    account_id uuid NOT NULL
);
CREATE INDEX ON handles (account_id);

CREATE TABLE credentials (
    account_id uuid PRIMARY KEY,
    password_hash text NOT NULL,
    changed_at timestamptz NOT NULL
);

CREATE TABLE sessions (
    session_id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX ON sessions (account_id);
CREATE INDEX ON sessions (expires_at);

CREATE TABLE tickets (
    ticket_hash bytea PRIMARY KEY,
    account_id uuid NOT NULL,
    session_id uuid,
    access_until timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX ON tickets (account_id);
CREATE INDEX ON tickets (expires_at);

CREATE TABLE invitations (
    code_hash bytea PRIMARY KEY,
    email text,
    invited_by uuid NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX ON invitations (expires_at);
"""


def upgrade() -> None:
    apply_core("0001_core")
    for statement in filter(str.strip, TABLES.split(";")):
        op.execute(statement)

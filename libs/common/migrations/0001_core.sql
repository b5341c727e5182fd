-- The tables every service has: its log, its consumers' positions, its jobs, its keys.
-- {schema} is the service's schema, {runtime} its runtime role. Applied by the service's first migration.

CREATE SEQUENCE {schema}.events_pos_seq AS bigint CACHE 1;

CREATE TABLE {schema}.events (
  pos         bigint      NOT NULL DEFAULT nextval('{schema}.events_pos_seq') PRIMARY KEY,
  stream_id   uuid        NOT NULL,
  version     integer     NOT NULL CHECK (version > 0),
  stream_type text        NOT NULL,
  type        text        NOT NULL,
  schema_ver  smallint    NOT NULL,
  event_id    uuid        NOT NULL UNIQUE,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  public      boolean     NOT NULL,
  data        jsonb       NOT NULL,
  meta        jsonb       NOT NULL,
  UNIQUE (stream_id, version)
);

-- One round trip. An empty result means that the stream has moved past p_expected; the caller then holds the
-- stream's lock, which keeps other losers of the race out until its transaction ends.
-- The first event decides the race: after it nobody else can hold the versions that follow.
-- The xid is drawn before pos: the tail's proof that a hole is dead rests on that order.
-- No SET search_path (3 % of the rate): tables are qualified, and the runtime role can create nothing that an
-- unqualified function or operator could be taken from.
-- p_events is an array of {id, type, schema_ver, public, data}: one parameter is cheaper to pass than five arrays.
CREATE FUNCTION {schema}.append(p_stream uuid, p_stream_type text, p_expected integer, p_events jsonb, p_meta jsonb)
RETURNS TABLE (pos bigint, version integer, recorded_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
DECLARE
  first jsonb := p_events->0;
BEGIN
  PERFORM pg_current_xact_id();
  IF p_expected > 0 THEN  -- a condition of its own: with EXISTS beside it, new streams would pay for the query too
    IF NOT EXISTS (SELECT FROM {schema}.events e WHERE e.stream_id = p_stream AND e.version = p_expected) THEN
      RAISE EXCEPTION 'stream % has no version %', p_stream, p_expected;
    END IF;
  END IF;
  INSERT INTO {schema}.events AS e
    (stream_id, version, stream_type, type, schema_ver, event_id, public, data, meta)
  VALUES (p_stream, p_expected + 1, p_stream_type, first->>'type', (first->>'schema_ver')::smallint,
          (first->>'id')::uuid, (first->>'public')::boolean, first->'data', p_meta)
  ON CONFLICT ON CONSTRAINT events_stream_id_version_key DO NOTHING
  RETURNING e.pos, e.version, e.recorded_at INTO pos, version, recorded_at;
  IF NOT FOUND THEN
    PERFORM pg_advisory_xact_lock(uuid_hash_extended(p_stream, 0));
    RETURN;
  END IF;
  RETURN NEXT;
  IF jsonb_array_length(p_events) > 1 THEN
    RETURN QUERY
      INSERT INTO {schema}.events AS e
        (stream_id, version, stream_type, type, schema_ver, event_id, public, data, meta)
      SELECT p_stream, (p_expected + n.ord)::integer, p_stream_type, n.event->>'type',
        (n.event->>'schema_ver')::smallint, (n.event->>'id')::uuid, (n.event->>'public')::boolean,
        n.event->'data', p_meta
      FROM jsonb_array_elements(p_events) WITH ORDINALITY AS n(event, ord)
      WHERE n.ord > 1
      ORDER BY n.ord
      RETURNING e.pos, e.version, e.recorded_at;
  END IF;
END $$;

CREATE TABLE {schema}.checkpoints (
  name       text        PRIMARY KEY,
  pos        bigint      NOT NULL DEFAULT 0,
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE {schema}.projections (
  name           text        NOT NULL,
  source         text        NOT NULL,
  pos            bigint      NOT NULL DEFAULT 0,
  seq            bigint      NOT NULL DEFAULT 0,
  event_id       uuid,
  updated_at     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (name, source)
);

CREATE TABLE {schema}.inbox (
  consumer text        NOT NULL,
  event_id uuid        NOT NULL,
  seen_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer, event_id)
);

CREATE TABLE {schema}.idempotency_keys (
  scope      text        PRIMARY KEY,
  owner_id   uuid,
  body_hash  bytea       NOT NULL,
  status     integer     NOT NULL,
  headers    jsonb       NOT NULL,
  body       bytea       NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON {schema}.idempotency_keys (created_at);

CREATE TABLE {schema}.subject_keys (
  subject_id  uuid        PRIMARY KEY,
  wrapped_key bytea       NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE {schema}.job_queue (
  job_id       uuid        PRIMARY KEY,
  kind         text        NOT NULL,
  owner_id     uuid        NOT NULL,
  queued_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  available_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  attempts     integer     NOT NULL DEFAULT 0,
  worker_id    uuid,
  lease_until  timestamptz,
  cancelled    boolean     NOT NULL DEFAULT false,
  traceparent  text
);
CREATE INDEX ON {schema}.job_queue (kind, available_at);
CREATE INDEX ON {schema}.job_queue (owner_id);

CREATE TABLE {schema}.job_calls (
  job_id     uuid        NOT NULL,
  step       text        NOT NULL,
  attempts   integer     NOT NULL DEFAULT 1,
  answer     jsonb,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  done_at    timestamptz,
  PRIMARY KEY (job_id, step)
);

-- How long jobs of a kind take (moving average, seconds): what a refused caller is told to wait.
CREATE TABLE {schema}.job_stats (
  kind    text             PRIMARY KEY,
  seconds double precision NOT NULL
);

-- Which accounts may come in: auth's own state, or in other services a copy fed from its events.
CREATE TABLE {schema}.refs_accounts (
  account_id uuid    PRIMARY KEY,
  active     boolean NOT NULL,
  version    integer NOT NULL
);

-- The smaller copies made of a stored picture.
CREATE TABLE {schema}.object_variants (
  key             text    NOT NULL,
  size            integer NOT NULL,
  variant_key     text    NOT NULL,
  width           integer NOT NULL,
  height          integer NOT NULL,
  file_size_bytes integer NOT NULL,
  PRIMARY KEY (key, size)
);

REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {schema}.events FROM {runtime};
GRANT SELECT ON {schema}.events TO {runtime};
REVOKE ALL ON FUNCTION {schema}.append FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {schema}.append TO {runtime};

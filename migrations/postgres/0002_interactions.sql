-- Interactions, and apart from them what has a retention of its own: texts and embeddings.
-- No foreign key to projects: its check would lock the project's row once per interaction. The
-- counters that are written with every batch carry the key instead.
CREATE TABLE interactions (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id TEXT NOT NULL,
    id TEXT NOT NULL,
    occurred_at BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    -- Days since 1970-01-01 of received_at: the partition of the texts and embeddings.
    day BIGINT NOT NULL,
    content_hash BYTEA NOT NULL,
    session_id TEXT,
    attributes TEXT NOT NULL,
    model TEXT,
    metadata TEXT,
    inclusion_probability DOUBLE PRECISION NOT NULL,
    state TEXT NOT NULL,
    position BIGINT,
    claim_holder TEXT,
    claim_token BIGINT NOT NULL,
    claim_until BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    last_error TEXT,
    UNIQUE (project_id, id),
    UNIQUE (project_id, position)
)
-- A claim is an update: room in the page keeps it out of the indexes. And a queue changes faster
-- than the default thresholds of vacuum and analyze notice.
WITH (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.02
);
CREATE INDEX interactions_occurred ON interactions (project_id, occurred_at);
CREATE INDEX interactions_day ON interactions (day);
-- The work queue.
CREATE INDEX interactions_pending ON interactions (seq) WHERE state = 'pending';
CREATE INDEX interactions_quarantined ON interactions (project_id) WHERE state = 'quarantined';

CREATE TABLE interaction_texts (
    day BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    query TEXT NOT NULL,
    response TEXT,
    PRIMARY KEY (day, seq)
) PARTITION BY RANGE (day);
-- Takes what no daily partition was made for; retention empties it row by row.
CREATE TABLE interaction_texts_default PARTITION OF interaction_texts DEFAULT;

CREATE TABLE embeddings (
    day BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    model_digest TEXT NOT NULL,
    query BYTEA,
    response BYTEA,
    PRIMARY KEY (day, seq)
) PARTITION BY RANGE (day);
CREATE TABLE embeddings_default PARTITION OF embeddings DEFAULT;

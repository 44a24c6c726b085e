-- Interactions, and apart from them what has a retention of its own: texts and embeddings.
-- No foreign key to projects, as in Postgres: the counters written with every batch carry it.
CREATE TABLE interactions (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    project_id TEXT NOT NULL,
    id TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    -- Days since 1970-01-01 of received_at: by which texts and embeddings expire.
    day INTEGER NOT NULL,
    content_hash BLOB NOT NULL,
    session_id TEXT,
    attributes TEXT NOT NULL,
    model TEXT,
    metadata TEXT,
    inclusion_probability REAL NOT NULL,
    state TEXT NOT NULL,
    position INTEGER,
    claim_holder TEXT,
    claim_token INTEGER NOT NULL,
    claim_until INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    last_error TEXT,
    UNIQUE (project_id, id),
    UNIQUE (project_id, position)
) STRICT;
CREATE INDEX interactions_occurred ON interactions (project_id, occurred_at);
CREATE INDEX interactions_day ON interactions (day);
-- The work queue.
CREATE INDEX interactions_pending ON interactions (seq) WHERE state = 'pending';
CREATE INDEX interactions_quarantined ON interactions (project_id) WHERE state = 'quarantined';

CREATE TABLE interaction_texts (
    day INTEGER NOT NULL,
    seq INTEGER NOT NULL PRIMARY KEY,
    query TEXT NOT NULL,
    response TEXT
) STRICT;
CREATE INDEX interaction_texts_day ON interaction_texts (day);

CREATE TABLE embeddings (
    day INTEGER NOT NULL,
    seq INTEGER NOT NULL PRIMARY KEY,
    model_digest TEXT NOT NULL,
    query BLOB,
    response BLOB
) STRICT;
CREATE INDEX embeddings_day ON embeddings (day);

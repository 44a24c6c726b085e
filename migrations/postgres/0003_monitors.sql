-- Monitors, where their evaluation stands, and their references.
CREATE TABLE monitors (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    spec TEXT NOT NULL,
    reference_id TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (project_id, name)
);

CREATE TABLE monitor_states (
    monitor_id TEXT NOT NULL PRIMARY KEY REFERENCES monitors (id) ON DELETE CASCADE,
    cursor BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    state BYTEA
);

CREATE TABLE buckets (
    monitor_id TEXT NOT NULL REFERENCES monitors (id) ON DELETE CASCADE,
    grid TEXT NOT NULL,
    key BIGINT NOT NULL,
    closed BOOLEAN NOT NULL,
    ends_at BIGINT NOT NULL,
    data BYTEA NOT NULL,
    PRIMARY KEY (monitor_id, grid, key)
);
CREATE INDEX buckets_closed ON buckets (ends_at) WHERE closed;

CREATE TABLE frozen_references (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    monitor_id TEXT NOT NULL REFERENCES monitors (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    source TEXT NOT NULL,
    status TEXT NOT NULL,
    progress DOUBLE PRECISION NOT NULL,
    message TEXT,
    n BIGINT NOT NULL,
    model_digest TEXT,
    seed BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    frozen_at BIGINT,
    profile BYTEA,
    UNIQUE (monitor_id, name, version)
);
CREATE INDEX frozen_references_project ON frozen_references (project_id);

-- A reference's own copy of its rows: it outlives the retention of what it was made from.
CREATE TABLE reference_chunks (
    reference_id TEXT NOT NULL REFERENCES frozen_references (id) ON DELETE CASCADE,
    chunk BIGINT NOT NULL,
    events TEXT NOT NULL,
    vectors BYTEA NOT NULL,
    PRIMARY KEY (reference_id, chunk)
);

-- Monitors, where their evaluation stands, and their references.
CREATE TABLE monitors (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    spec TEXT NOT NULL,
    reference_id TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (project_id, name)
) STRICT;

CREATE TABLE monitor_states (
    monitor_id TEXT NOT NULL PRIMARY KEY REFERENCES monitors (id) ON DELETE CASCADE,
    cursor INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    state BLOB
) STRICT;

CREATE TABLE buckets (
    monitor_id TEXT NOT NULL REFERENCES monitors (id) ON DELETE CASCADE,
    grid TEXT NOT NULL,
    key INTEGER NOT NULL,
    closed INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (monitor_id, grid, key)
) STRICT;
CREATE INDEX buckets_closed ON buckets (ends_at) WHERE closed;

CREATE TABLE frozen_references (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    monitor_id TEXT NOT NULL REFERENCES monitors (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    source TEXT NOT NULL,
    status TEXT NOT NULL,
    progress REAL NOT NULL,
    message TEXT,
    n INTEGER NOT NULL,
    model_digest TEXT,
    seed INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    frozen_at INTEGER,
    profile BLOB,
    UNIQUE (monitor_id, name, version)
) STRICT;
CREATE INDEX frozen_references_project ON frozen_references (project_id);

-- A reference's own copy of its rows: it outlives the retention of what it was made from.
CREATE TABLE reference_chunks (
    reference_id TEXT NOT NULL REFERENCES frozen_references (id) ON DELETE CASCADE,
    chunk INTEGER NOT NULL,
    events TEXT NOT NULL,
    vectors BLOB NOT NULL,
    PRIMARY KEY (reference_id, chunk)
) STRICT;

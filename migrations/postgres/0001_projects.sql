-- Projects, their counters and their keys. Times are microseconds since 1970-01-01T00:00:00Z.
CREATE TABLE projects (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    -- The last position given to an embedded interaction: positions are 1, 2, 3 … without gaps.
    position BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE counters (
    project_id TEXT NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (project_id, name)
);

CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    secret_hash BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX api_keys_project ON api_keys (project_id);

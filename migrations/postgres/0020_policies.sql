-- A project's rules on what texts may say. A deleted one keeps its version, so that their sum grows with
-- every change.
CREATE TABLE policies (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    slot BIGINT NOT NULL,
    spec TEXT NOT NULL,
    version BIGINT NOT NULL,
    fitted TEXT,
    active TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT
);
CREATE UNIQUE INDEX policies_names ON policies (project_id, name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX policies_slots ON policies (project_id, slot) WHERE deleted_at IS NULL;
-- What policies are taught with.
CREATE TABLE policy_examples (
    policy_id TEXT NOT NULL REFERENCES policies (id),
    id TEXT NOT NULL,
    text TEXT NOT NULL,
    text_key BIGINT,
    label BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (policy_id, id)
);

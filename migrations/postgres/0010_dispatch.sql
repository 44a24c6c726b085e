-- Who is told of which alerts: routes, silences, acknowledgements, and what was told so far.
ALTER TABLE alerts ADD COLUMN acknowledged_at BIGINT;
ALTER TABLE alerts ADD COLUMN acknowledged_by TEXT;
-- Nothing remains to be told of it. What ended before this migration was told then.
ALTER TABLE alerts ADD COLUMN settled BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE alerts SET settled = TRUE WHERE state = 'resolved';
CREATE INDEX alerts_unsettled ON alerts (project_id) WHERE NOT settled;

CREATE TABLE alert_comments (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id TEXT NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    author TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX alert_comments_alert ON alert_comments (alert_id);

-- The tree of routes, as JSON.
CREATE TABLE routings (
    project_id TEXT NOT NULL PRIMARY KEY REFERENCES projects (id),
    document TEXT NOT NULL
);

CREATE TABLE silences (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    matchers TEXT NOT NULL,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    comment TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX silences_project ON silences (project_id, ends_at);

-- What each group of alerts was told, as JSON.
CREATE TABLE alert_groups (
    project_id TEXT NOT NULL REFERENCES projects (id),
    key TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (project_id, key)
);

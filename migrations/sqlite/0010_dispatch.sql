-- Who is told of which alerts: routes, silences, acknowledgements, and what was told so far.
ALTER TABLE alerts ADD COLUMN acknowledged_at INTEGER;
ALTER TABLE alerts ADD COLUMN acknowledged_by TEXT;
-- Nothing remains to be told of it. What ended before this migration was told then.
ALTER TABLE alerts ADD COLUMN settled INTEGER NOT NULL DEFAULT 0;
UPDATE alerts SET settled = 1 WHERE state = 'resolved';
CREATE INDEX alerts_unsettled ON alerts (project_id) WHERE NOT settled;

CREATE TABLE alert_comments (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    alert_id TEXT NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    author TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX alert_comments_alert ON alert_comments (alert_id);

-- The tree of routes, as JSON.
CREATE TABLE routings (
    project_id TEXT NOT NULL PRIMARY KEY REFERENCES projects (id),
    document TEXT NOT NULL
) STRICT;

CREATE TABLE silences (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    matchers TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    comment TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX silences_project ON silences (project_id, ends_at);

-- What each group of alerts was told, as JSON.
CREATE TABLE alert_groups (
    project_id TEXT NOT NULL REFERENCES projects (id),
    key TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (project_id, key)
) STRICT;

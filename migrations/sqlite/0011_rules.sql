-- Alert rules, and alerts that come of them: without a stream, perhaps without a monitor or a report.
CREATE TABLE rules (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    spec TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (project_id, name)
) STRICT;

-- Where each rule stands, as JSON.
CREATE TABLE rule_states (
    rule_id TEXT NOT NULL PRIMARY KEY REFERENCES rules (id) ON DELETE CASCADE,
    state TEXT NOT NULL
) STRICT;

CREATE TABLE rule_events (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    rule_id TEXT NOT NULL REFERENCES rules (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    phase TEXT NOT NULL,
    health TEXT NOT NULL,
    detail TEXT NOT NULL,
    alert_id TEXT
) STRICT;
CREATE INDEX rule_events_rule ON rule_events (rule_id, at);

-- Why a monitor cannot be evaluated; null while it can.
ALTER TABLE monitor_states ADD COLUMN trouble TEXT;

-- SQLite cannot take a NOT NULL away: new tables, the rows, then the old names. The children go first,
-- so that dropping the old parent cascades to nothing.
CREATE TABLE new_alerts (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    monitor_id TEXT REFERENCES monitors (id) ON DELETE CASCADE,
    rule_id TEXT REFERENCES rules (id) ON DELETE CASCADE,
    stream TEXT,
    segment TEXT NOT NULL,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    state TEXT NOT NULL,
    streak INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    fired_at INTEGER,
    resolved_at INTEGER,
    report_id TEXT,
    reasons TEXT NOT NULL,
    -- A rule's figures and annotations, as JSON.
    findings TEXT NOT NULL DEFAULT '[]',
    annotations TEXT NOT NULL DEFAULT '{}',
    acknowledged_at INTEGER,
    acknowledged_by TEXT,
    settled INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE new_transitions (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    alert_id TEXT NOT NULL REFERENCES new_alerts (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    reason TEXT NOT NULL,
    report_id TEXT,
    UNIQUE (alert_id, report_id, to_state)
) STRICT;
CREATE TABLE new_comments (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    alert_id TEXT NOT NULL REFERENCES new_alerts (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    author TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
INSERT INTO new_alerts (id, project_id, monitor_id, stream, segment, kind, severity, state, streak,
        started_at, fired_at, resolved_at, report_id, reasons, acknowledged_at, acknowledged_by, settled)
    SELECT id, project_id, monitor_id, stream, segment, kind, severity, state, streak,
        started_at, fired_at, resolved_at, report_id, reasons, acknowledged_at, acknowledged_by, settled
    FROM alerts;
INSERT INTO new_transitions SELECT seq, alert_id, at, from_state, to_state, reason, report_id
    FROM alert_transitions;
INSERT INTO new_comments SELECT seq, alert_id, at, author, text FROM alert_comments;
DROP TABLE alert_transitions;
DROP TABLE alert_comments;
DROP TABLE alerts;
ALTER TABLE new_alerts RENAME TO alerts;
ALTER TABLE new_transitions RENAME TO alert_transitions;
ALTER TABLE new_comments RENAME TO alert_comments;
-- One open episode per stream and segment of a monitor, and one per rule.
CREATE UNIQUE INDEX alerts_open_segment ON alerts (monitor_id, stream, segment)
    WHERE state IN ('pending', 'firing');
CREATE UNIQUE INDEX alerts_open_rule ON alerts (rule_id) WHERE state IN ('pending', 'firing');
CREATE INDEX alerts_newest ON alerts (project_id, started_at, id);
CREATE INDEX alerts_unsettled ON alerts (project_id) WHERE NOT settled;
CREATE INDEX alert_comments_alert ON alert_comments (alert_id);

-- What evaluations found, and the alerts that came of it.
CREATE TABLE reports (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    monitor_id TEXT NOT NULL REFERENCES monitors (id) ON DELETE CASCADE,
    reference_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    evaluated_at INTEGER NOT NULL,
    position INTEGER NOT NULL,
    is_drift INTEGER NOT NULL,
    verdicts TEXT NOT NULL,
    examples TEXT NOT NULL,
    late_events INTEGER NOT NULL,
    UNIQUE (monitor_id, sequence)
) STRICT;
CREATE INDEX reports_newest ON reports (monitor_id, evaluated_at, id);
CREATE INDEX reports_evaluated ON reports (evaluated_at);

CREATE TABLE alerts (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    monitor_id TEXT NOT NULL REFERENCES monitors (id) ON DELETE CASCADE,
    stream TEXT NOT NULL,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    state TEXT NOT NULL,
    streak INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    fired_at INTEGER,
    resolved_at INTEGER,
    report_id TEXT NOT NULL,
    reasons TEXT NOT NULL
) STRICT;
-- One open episode per stream of a monitor, whatever goes wrong above.
CREATE UNIQUE INDEX alerts_open ON alerts (monitor_id, stream)
    WHERE state IN ('pending', 'firing');
CREATE INDEX alerts_newest ON alerts (project_id, started_at, id);

CREATE TABLE alert_transitions (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    alert_id TEXT NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    reason TEXT NOT NULL,
    report_id TEXT NOT NULL,
    UNIQUE (alert_id, report_id, to_state)
) STRICT;

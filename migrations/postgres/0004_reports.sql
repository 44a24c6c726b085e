-- What evaluations found, and the alerts that came of it.
CREATE TABLE reports (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    monitor_id TEXT NOT NULL REFERENCES monitors (id) ON DELETE CASCADE,
    reference_id TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    evaluated_at BIGINT NOT NULL,
    position BIGINT NOT NULL,
    is_drift BOOLEAN NOT NULL,
    verdicts TEXT NOT NULL,
    examples TEXT NOT NULL,
    late_events BIGINT NOT NULL,
    UNIQUE (monitor_id, sequence)
);
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
    streak BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    fired_at BIGINT,
    resolved_at BIGINT,
    report_id TEXT NOT NULL,
    reasons TEXT NOT NULL
);
-- One open episode per stream of a monitor, whatever goes wrong above.
CREATE UNIQUE INDEX alerts_open ON alerts (monitor_id, stream)
    WHERE state IN ('pending', 'firing');
CREATE INDEX alerts_newest ON alerts (project_id, started_at, id);

CREATE TABLE alert_transitions (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id TEXT NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    reason TEXT NOT NULL,
    report_id TEXT NOT NULL,
    UNIQUE (alert_id, report_id, to_state)
);

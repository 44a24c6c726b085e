-- Alert rules, and alerts that come of them: without a stream, perhaps without a monitor or a report.
CREATE TABLE rules (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    spec TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (project_id, name)
);

-- Where each rule stands, as JSON.
CREATE TABLE rule_states (
    rule_id TEXT NOT NULL PRIMARY KEY REFERENCES rules (id) ON DELETE CASCADE,
    state TEXT NOT NULL
);

CREATE TABLE rule_events (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule_id TEXT NOT NULL REFERENCES rules (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    phase TEXT NOT NULL,
    health TEXT NOT NULL,
    detail TEXT NOT NULL,
    alert_id TEXT
);
CREATE INDEX rule_events_rule ON rule_events (rule_id, at);

-- Why a monitor cannot be evaluated; null while it can.
ALTER TABLE monitor_states ADD COLUMN trouble TEXT;

ALTER TABLE alerts ALTER COLUMN monitor_id DROP NOT NULL;
ALTER TABLE alerts ALTER COLUMN stream DROP NOT NULL;
ALTER TABLE alerts ALTER COLUMN report_id DROP NOT NULL;
ALTER TABLE alert_transitions ALTER COLUMN report_id DROP NOT NULL;
ALTER TABLE alerts ADD COLUMN rule_id TEXT REFERENCES rules (id) ON DELETE CASCADE;
-- A rule's figures and annotations, as JSON.
ALTER TABLE alerts ADD COLUMN findings TEXT NOT NULL DEFAULT '[]';
ALTER TABLE alerts ADD COLUMN annotations TEXT NOT NULL DEFAULT '{}';
-- One open episode per rule.
CREATE UNIQUE INDEX alerts_open_rule ON alerts (rule_id) WHERE state IN ('pending', 'firing');

-- Workflows that alerts ask for: one for each receiver and alert.
CREATE TABLE retrains (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    receiver_id TEXT NOT NULL REFERENCES receivers (id) ON DELETE CASCADE,
    alert_id TEXT NOT NULL,
    monitor_id TEXT,
    report_id TEXT,
    status TEXT NOT NULL,
    detail TEXT NOT NULL,
    -- Proves that a callback is the run's; sealed where a key is set.
    token TEXT NOT NULL,
    delivery_id TEXT,
    decided_by TEXT,
    run_url TEXT,
    model_version TEXT,
    reference_id TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    started_at INTEGER,
    deployed_at INTEGER,
    UNIQUE (receiver_id, alert_id)
) STRICT;
CREATE INDEX retrains_newest ON retrains (project_id, created_at, id);
CREATE INDEX retrains_open ON retrains (project_id)
    WHERE status IN ('waiting', 'awaiting_approval', 'requested');

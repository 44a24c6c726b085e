-- Segments of a monitor's traffic, explanations, fingerprints of texts, the false-alarm budget.
-- Labels of the segment as a JSON object; {} for all of the traffic.
ALTER TABLE alerts ADD COLUMN segment TEXT NOT NULL DEFAULT '{}';
-- One open episode per stream and segment. The index it replaces is stricter: it would refuse what
-- is right now.
DROP INDEX alerts_open;
CREATE UNIQUE INDEX alerts_open_segment ON alerts (monitor_id, stream, segment)
    WHERE state IN ('pending', 'firing');
-- The hash that variants of one query share; null for a blank one and for older rows.
ALTER TABLE embeddings ADD COLUMN fingerprint INTEGER;
-- At most so many false alarms in 30 days, with this probability.
ALTER TABLE projects ADD COLUMN false_alarms_per_30d REAL NOT NULL DEFAULT 1.0;
ALTER TABLE projects ADD COLUMN confidence REAL NOT NULL DEFAULT 0.99;
-- Why the windows differ, as JSON; null where nothing drifted.
ALTER TABLE reports ADD COLUMN explanation TEXT;

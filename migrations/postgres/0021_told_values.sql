-- In which conversations users told a value of personal data: hashes of both, under a key that is not in
-- the database.
CREATE TABLE told_values (
    project_id TEXT NOT NULL REFERENCES projects (id),
    value BYTEA NOT NULL,
    session BYTEA NOT NULL,
    day BIGINT NOT NULL,
    PRIMARY KEY (project_id, value, session)
);
CREATE INDEX told_values_sessions ON told_values (project_id, session);
CREATE INDEX told_values_days ON told_values (day);

-- In which conversations users told a value of personal data: hashes of both, under a key that is not in
-- the database.
CREATE TABLE told_values (
    project_id TEXT NOT NULL REFERENCES projects (id),
    value BLOB NOT NULL,
    session BLOB NOT NULL,
    day INTEGER NOT NULL,
    PRIMARY KEY (project_id, value, session)
) STRICT;
CREATE INDEX told_values_sessions ON told_values (project_id, session);
CREATE INDEX told_values_days ON told_values (day);

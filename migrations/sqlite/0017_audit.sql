-- The audit trail: one chain of hashes a project, to which rows are only added; and erasures.
-- Without a foreign key to projects: the trail outlives what it tells of.
CREATE TABLE audit_log (
    project_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    -- SHA-256 over salt and payload.
    commitment BLOB NOT NULL,
    -- The hash of the row before, 32 zero bytes for the first.
    prev BLOB NOT NULL,
    -- SHA-256 over prev and all fields, each behind its length.
    hash BLOB NOT NULL,
    PRIMARY KEY (project_id, seq)
) STRICT;
CREATE INDEX audit_log_at ON audit_log (project_id, at);

-- Apart from the log, because they can be erased.
CREATE TABLE audit_payloads (
    project_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    salt BLOB NOT NULL,
    payload TEXT NOT NULL,
    -- The interaction, session or pseudonym that the payload names.
    about TEXT,
    PRIMARY KEY (project_id, seq)
) STRICT;
CREATE INDEX audit_payloads_about ON audit_payloads (project_id, about) WHERE about IS NOT NULL;

-- Where each chain ends.
CREATE TABLE audit_heads (
    project_id TEXT NOT NULL PRIMARY KEY,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;

-- Whoever has the file can drop these: the chain shows what is done then.
CREATE TRIGGER audit_log_update BEFORE UPDATE ON audit_log
BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;
CREATE TRIGGER audit_log_delete BEFORE DELETE ON audit_log
BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;
CREATE TRIGGER audit_payloads_update BEFORE UPDATE ON audit_payloads
BEGIN SELECT RAISE(ABORT, 'payloads of the audit log are erased or stay as they are'); END;
CREATE TRIGGER audit_heads_delete BEFORE DELETE ON audit_heads
BEGIN SELECT RAISE(ABORT, 'the head of an audit log only moves on'); END;
CREATE TRIGGER audit_heads_update BEFORE UPDATE ON audit_heads WHEN NEW.seq <> OLD.seq + 1
BEGIN SELECT RAISE(ABORT, 'the head of an audit log only moves on'); END;

CREATE TABLE erasures (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    -- interaction, session or subject; and which one, forgotten when it is done.
    kind TEXT NOT NULL,
    target_id TEXT,
    state TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    done_at INTEGER,
    counts TEXT,
    audit_seq INTEGER
) STRICT;
CREATE INDEX erasures_pending ON erasures (created_at) WHERE state = 'pending';
CREATE INDEX erasures_project ON erasures (project_id);

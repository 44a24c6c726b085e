-- The audit trail: one chain of hashes a project, appended to by audit_append alone; and erasures.
-- Without a foreign key to projects: the trail outlives what it tells of.
CREATE TABLE audit_log (
    project_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    -- SHA-256 over salt and payload.
    commitment BYTEA NOT NULL,
    -- The hash of the row before, 32 zero bytes for the first.
    prev BYTEA NOT NULL,
    -- SHA-256 over prev and all fields, each behind its length.
    hash BYTEA NOT NULL,
    PRIMARY KEY (project_id, seq)
);
CREATE INDEX audit_log_at ON audit_log (project_id, at);

-- Apart from the log, because they can be erased.
CREATE TABLE audit_payloads (
    project_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    salt BYTEA NOT NULL,
    payload TEXT NOT NULL,
    -- The interaction, session or pseudonym that the payload names.
    about TEXT,
    PRIMARY KEY (project_id, seq)
);
CREATE INDEX audit_payloads_about ON audit_payloads (project_id, about) WHERE about IS NOT NULL;

-- Where each chain ends; its row is locked by whoever appends.
CREATE TABLE audit_heads (
    project_id TEXT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL
);

CREATE FUNCTION audit_append(
    of_project TEXT, moment BIGINT, who TEXT, what TEXT, to_what TEXT, with_salt BYTEA, content TEXT,
    subject_of TEXT
) RETURNS BIGINT LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $append$
DECLARE
    head audit_heads%ROWTYPE;
    place BIGINT;
    commits BYTEA := sha256(with_salt || convert_to(content, 'UTF8'));
    hashed BYTEA := ''::bytea;
    field BYTEA;
BEGIN
    INSERT INTO audit_heads VALUES (of_project, 0, decode(repeat('00', 32), 'hex'))
        ON CONFLICT (project_id) DO NOTHING;
    SELECT * INTO STRICT head FROM audit_heads WHERE project_id = of_project FOR UPDATE;
    place := head.seq + 1;
    FOREACH field IN ARRAY ARRAY[head.hash, convert_to(of_project, 'UTF8'), int8send(place),
        int8send(moment), convert_to(who, 'UTF8'), convert_to(what, 'UTF8'),
        convert_to(to_what, 'UTF8'), commits]
    LOOP
        hashed := hashed || int8send(octet_length(field)) || field;
    END LOOP;
    hashed := sha256(hashed);
    INSERT INTO audit_log VALUES
        (of_project, place, moment, who, what, to_what, commits, head.hash, hashed);
    INSERT INTO audit_payloads VALUES (of_project, place, with_salt, content, subject_of);
    UPDATE audit_heads SET seq = place, hash = hashed WHERE project_id = of_project;
    RETURN place;
END
$append$;
-- The owner may call it; docs/AUDIT.md sets up a role that may do nothing else.
REVOKE ALL ON FUNCTION audit_append(TEXT, BIGINT, TEXT, TEXT, TEXT, BYTEA, TEXT, TEXT) FROM PUBLIC;

CREATE TABLE erasures (
    id TEXT NOT NULL PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    -- interaction, session or subject; and which one, forgotten when it is done.
    kind TEXT NOT NULL,
    target_id TEXT,
    state TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    done_at BIGINT,
    counts TEXT,
    audit_seq BIGINT
);
CREATE INDEX erasures_pending ON erasures (created_at) WHERE state = 'pending';
CREATE INDEX erasures_project ON erasures (project_id);

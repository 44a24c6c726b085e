-- Roles for the audit trail, run once as a superuser after `seamark migrate`. The daemon connects as
-- `seamark`, which then can read the trail, append to it through audit_append, and erase payloads; not
-- even it can change or remove a row. The database and the schema must belong to another role than
-- `seamark`, because whoever owns them can drop what is in them.
CREATE ROLE seamark_audit NOLOGIN;
ALTER TABLE audit_log OWNER TO seamark_audit;
ALTER TABLE audit_payloads OWNER TO seamark_audit;
ALTER TABLE audit_heads OWNER TO seamark_audit;
ALTER FUNCTION audit_append(TEXT, BIGINT, TEXT, TEXT, TEXT, BYTEA, TEXT, TEXT) OWNER TO seamark_audit;
GRANT USAGE ON SCHEMA public TO seamark_audit;
REVOKE ALL ON audit_log, audit_payloads, audit_heads FROM PUBLIC, seamark;
GRANT SELECT ON audit_log, audit_payloads, audit_heads TO seamark;
GRANT DELETE ON audit_payloads TO seamark;
GRANT USAGE, CREATE ON SCHEMA public TO seamark;
GRANT EXECUTE ON FUNCTION audit_append(TEXT, BIGINT, TEXT, TEXT, TEXT, BYTEA, TEXT, TEXT) TO seamark;

-- Settings that only some kinds of receivers have, as a JSON object.
ALTER TABLE receivers ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
-- What later messages about the same alert need of the answer to this one.
ALTER TABLE deliveries ADD COLUMN remembered TEXT;
CREATE INDEX deliveries_remembered ON deliveries (alert_id, receiver_id) WHERE remembered IS NOT NULL;

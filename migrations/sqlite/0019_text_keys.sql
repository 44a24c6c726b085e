-- Texts at rest: data keys of projects, and beside each sealed text the key that it is sealed with; NULL for
-- a text that is stored as it is.
CREATE TABLE text_keys (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    project_id TEXT NOT NULL REFERENCES projects (id),
    -- 1, 2, 3 … in each project; the last one seals what is new.
    number INTEGER NOT NULL,
    -- The key, sealed with one that comes from store.secret_key; NULL once it is destroyed.
    sealed_key TEXT,
    created_at INTEGER NOT NULL,
    destroyed_at INTEGER,
    UNIQUE (project_id, number)
) STRICT;
ALTER TABLE interactions ADD COLUMN metadata_key INTEGER;
ALTER TABLE interaction_texts ADD COLUMN text_key INTEGER;
ALTER TABLE reference_uploads ADD COLUMN text_key INTEGER;
ALTER TABLE deliveries ADD COLUMN text_key INTEGER;
ALTER TABLE reports ADD COLUMN text_key INTEGER;
ALTER TABLE frozen_references ADD COLUMN profile_key INTEGER;
ALTER TABLE projects ADD COLUMN boilerplate_key INTEGER;
-- What a key is still needed for, and what was stored before texts were sealed.
CREATE INDEX interactions_metadata_key ON interactions (metadata_key) WHERE metadata IS NOT NULL;
CREATE INDEX interaction_texts_text_key ON interaction_texts (text_key);
CREATE INDEX deliveries_text_key ON deliveries (text_key);
CREATE INDEX reports_text_key ON reports (text_key) WHERE explanation IS NOT NULL;

-- What a project does with personal data before anything is stored. A key made or destroyed is a new
-- version, too.
CREATE TABLE screenings (
    project_id TEXT NOT NULL PRIMARY KEY REFERENCES projects (id),
    version BIGINT NOT NULL,
    settings TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);
-- Keys of pseudonyms, sealed; the key is NULL once it is destroyed, and its id is never used again.
CREATE TABLE pseudonym_keys (
    project_id TEXT NOT NULL REFERENCES projects (id),
    number BIGINT NOT NULL,
    sealed_key TEXT,
    created_at BIGINT NOT NULL,
    destroyed_at BIGINT,
    PRIMARY KEY (project_id, number)
);
-- The types of personal data that were found in the texts when they were received; JSON, NULL for none.
ALTER TABLE interaction_texts ADD COLUMN personal TEXT;
-- 1 where the texts are to be deleted once they are embedded.
ALTER TABLE interaction_texts ADD COLUMN until_embedded BIGINT NOT NULL DEFAULT 0;

-- Rows of uploaded reference files until they are embedded: JSON arrays of interactions.
CREATE TABLE reference_uploads (
    reference_id TEXT NOT NULL REFERENCES frozen_references (id) ON DELETE CASCADE,
    chunk INTEGER NOT NULL,
    rows TEXT NOT NULL,
    PRIMARY KEY (reference_id, chunk)
) STRICT;

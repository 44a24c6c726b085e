-- Business outcomes: what became of interactions, conversations and people.
ALTER TABLE interactions ADD COLUMN subject TEXT;
-- The latest interaction of a conversation or a person at the time of an outcome.
CREATE INDEX interactions_session ON interactions (project_id, session_id, occurred_at)
    WHERE session_id IS NOT NULL;
CREATE INDEX interactions_subject ON interactions (project_id, subject, occurred_at)
    WHERE subject IS NOT NULL;

CREATE TABLE outcome_definitions (
    project_id TEXT NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    good TEXT NOT NULL,
    attribution_window_days INTEGER NOT NULL,
    automatic INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, name)
) STRICT;

CREATE TABLE outcomes (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    project_id TEXT NOT NULL,
    -- Hash of the caller's id or of the content; null for a figure that came with its interaction.
    idempotency_key BLOB,
    content_hash BLOB,
    name TEXT NOT NULL,
    -- interaction, session, subject or figure, and which one.
    target TEXT NOT NULL,
    target_id TEXT NOT NULL,
    value REAL,
    category TEXT,
    occurred_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    -- By which it expires: the day of its interaction, before it has one the day of received_at.
    day INTEGER NOT NULL,
    -- Null while it is parked, that is, waits for its interaction.
    interaction_seq INTEGER,
    interaction_at INTEGER,
    -- It came after its interaction was handed out as mature: in no figure.
    late INTEGER NOT NULL,
    UNIQUE (project_id, idempotency_key)
) STRICT;
CREATE INDEX outcomes_interaction ON outcomes (interaction_seq, name)
    WHERE interaction_seq IS NOT NULL;
-- Read with every commit of interactions.
CREATE INDEX outcomes_parked ON outcomes (project_id, target, target_id)
    WHERE interaction_seq IS NULL;
-- Delays, and what came late.
CREATE INDEX outcomes_name ON outcomes (project_id, name, interaction_at)
    WHERE target <> 'figure';
CREATE INDEX outcomes_day ON outcomes (day);

-- How far interactions were handed out as mature.
CREATE TABLE outcome_watermarks (
    project_id TEXT NOT NULL PRIMARY KEY REFERENCES projects (id),
    position INTEGER NOT NULL
) STRICT;

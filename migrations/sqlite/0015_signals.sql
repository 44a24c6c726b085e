-- What was seen of an interaction's texts beside what they mean: checks, language, length; JSON.
ALTER TABLE embeddings ADD COLUMN signals TEXT;
-- How the texts of a reference are written; JSON, NULL until its rows are collected.
ALTER TABLE frozen_references ADD COLUMN writings TEXT;
-- How many texts each check found something in, by day of arrival: day, side (query or response), value
-- of the label channel ('' without one), language, and check; '' counts all texts of the group.
CREATE TABLE quality_counts (
    project_id TEXT NOT NULL REFERENCES projects (id),
    day INTEGER NOT NULL,
    side TEXT NOT NULL,
    channel TEXT NOT NULL,
    language TEXT NOT NULL,
    signal TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (project_id, day, side, channel, language, signal)
) STRICT;
CREATE INDEX quality_counts_day ON quality_counts (day);

-- How a project's texts are prepared: cleaning, and what is left out of statistics.
CREATE TABLE preparations (
    project_id TEXT NOT NULL PRIMARY KEY REFERENCES projects (id),
    version INTEGER NOT NULL,
    settings TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
-- Lines that many texts of the project's latest reference share; JSON.
ALTER TABLE projects ADD COLUMN boilerplate TEXT;
-- The texts as they came, where cleaning changed them and they are kept; and what it changed. JSON.
ALTER TABLE interaction_texts ADD COLUMN original TEXT;
ALTER TABLE interaction_texts ADD COLUMN cleaning TEXT;
-- The rule that keeps an interaction out of statistics.
ALTER TABLE embeddings ADD COLUMN excluded TEXT;

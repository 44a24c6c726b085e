-- The SimHash of an interaction's query, which knows nearly the same text again. Rows from before have none.

ALTER TABLE embeddings ADD COLUMN simhash INTEGER;

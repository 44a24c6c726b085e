-- Keys that end by themselves, that are followed by another, and that may ask for only so much.
ALTER TABLE api_keys ADD COLUMN expires_at INTEGER;
-- The key that a rotation made in its place: each key is rotated at most once.
ALTER TABLE api_keys ADD COLUMN successor_id TEXT;
-- Null: the limits of the settings.
ALTER TABLE api_keys ADD COLUMN requests_per_minute INTEGER;
ALTER TABLE api_keys ADD COLUMN bytes_per_minute INTEGER;

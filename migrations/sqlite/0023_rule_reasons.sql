-- Why a rule's phase changed; null where only its health did, and for what is older.
ALTER TABLE rule_events ADD COLUMN reason TEXT;

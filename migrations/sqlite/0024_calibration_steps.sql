-- Parts of a calibration that is under way, so that it goes on where an interruption left it: JSON, and a
-- digest of all that they were made from.
CREATE TABLE calibration_steps (
    reference_id TEXT NOT NULL REFERENCES frozen_references (id) ON DELETE CASCADE,
    step TEXT NOT NULL,
    inputs TEXT NOT NULL,
    result TEXT NOT NULL,
    PRIMARY KEY (reference_id, step)
) STRICT;

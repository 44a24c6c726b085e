-- The outbox by receiver: a claim takes the first few of each and reads no others.
CREATE INDEX deliveries_receiver_due ON deliveries (receiver_id, next_attempt_at, id)
    WHERE status = 'pending';
-- A message waits for the earlier ones about the same alert.
CREATE INDEX deliveries_alert_pending ON deliveries (alert_id, receiver_id)
    WHERE status = 'pending';

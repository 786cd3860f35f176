-- Have an ended job compensate again, for support wants something undone that was held.
-- Zero rows: the job has not ended as failed or canceled.
UPDATE jobs
SET state = 'compensating', event = 'undo_retried', actor = :actor, reason = :reason, seq = seq + 1, lease = lease + 1,
    due_at = diorama_now(), finished_at = NULL, failures = 0, claims = 0
WHERE id = :job
  AND state IN ('failed', 'canceled')
RETURNING id

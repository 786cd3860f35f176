-- Prolong the lease of a long step. Zero rows: the lease was lost, a cancel waits, or the step's time is over, so its
-- result will be dropped; the worker that claims the job next finds the deadline passed. A canceled job that is
-- compensating keeps its lease, because compensation executes the cancel.
UPDATE jobs
SET lease_expires_at = diorama_now() + CAST(:lease_for AS interval)
WHERE id = :id
  AND lease = :lease
  AND lease_expires_at IS NOT NULL
  AND (cancel_requested_at IS NULL OR state = 'compensating')
  AND (CAST(:ends_at AS timestamptz) IS NULL OR diorama_now() < :ends_at)
RETURNING id

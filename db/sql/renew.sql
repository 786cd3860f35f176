-- Prolong the lease of a long step. Zero rows: the lease was lost, and the step's result will be dropped.
UPDATE jobs
SET lease_expires_at = diorama_now() + CAST(:lease_for AS interval)
WHERE id = :id
  AND lease = :lease
  AND lease_expires_at IS NOT NULL
  AND cancel_requested_at IS NULL
RETURNING id

-- Lease endpoints to a worker. Called by the delivery loop for the endpoints that it has locked and found messages for.
UPDATE webhook_endpoints
SET lease = lease + 1, claimed_by = :worker, lease_expires_at = diorama_now() + CAST(:lease_for AS interval)
WHERE id = ANY (CAST(:ids AS uuid[]))

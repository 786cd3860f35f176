-- Hand claims back unused, as if they had never been taken: no attempt and no claim is counted.
-- Called when a worker stops before it has begun them. Zero rows: the leases had ended and others moved on.
UPDATE jobs
SET lease_expires_at = NULL, claimed_by = NULL, claims = greatest(jobs.claims - 1, 0)
FROM unnest(CAST(:ids AS uuid[]), CAST(:leases AS bigint[])) AS held (id, lease)
WHERE jobs.id = held.id
  AND jobs.lease = held.lease
  AND jobs.lease_expires_at IS NOT NULL
RETURNING jobs.id

-- Hand claims back unused, as if they had never been taken: no attempt and no claim is counted.
-- Called when a worker stops before it has begun them; locks the jobs in the order in which every transaction does.
-- Zero rows: the leases had ended and others moved on.
WITH held AS MATERIALIZED (
    SELECT jobs.id
    FROM unnest(CAST(:ids AS uuid[]), CAST(:leases AS bigint[])) AS claim (id, lease)
    JOIN jobs ON jobs.id = claim.id
    WHERE jobs.lease = claim.lease
      AND jobs.lease_expires_at IS NOT NULL
    ORDER BY jobs.id
    FOR NO KEY UPDATE OF jobs
)
UPDATE jobs
SET lease_expires_at = NULL, claimed_by = NULL, claims = greatest(jobs.claims - 1, 0)
FROM held
WHERE jobs.id = held.id
RETURNING jobs.id

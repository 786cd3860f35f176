-- Release unused claims as if they had never been made: neither an attempt nor a claim is counted.
-- Called when a worker stops before it has begun the jobs; locks the jobs in the lock order of jobs.
-- Zero rows: the leases had ended, and others have moved on.
WITH leased AS MATERIALIZED (
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
FROM leased
WHERE jobs.id = leased.id
RETURNING jobs.id

-- Lease the jobs in `due` to a worker. Follows each of the statements that claim, which select those jobs.
, claimed AS (
    UPDATE jobs
    SET lease = jobs.lease + 1,
        claims = jobs.claims + 1,
        claimed_by = :worker,
        lease_expires_at = (SELECT diorama_now()) + CAST(:lease_for AS interval)
    -- An array is looked up row by row; for a join the planner might read the whole table.
    WHERE jobs.id = ANY (ARRAY(SELECT id FROM due))
    RETURNING jobs.*
)

-- Lease the jobs in `due` to a worker. Comes after each of the statements that claim, which say which jobs those are.
, claimed AS (
    UPDATE jobs
    SET lease = jobs.lease + 1,
        claims = jobs.claims + 1,
        claimed_by = :worker,
        lease_expires_at = diorama_now() + CAST(:lease_for AS interval)
    -- An array is looked up row by row; of a join the planner might think that it is worth reading the whole table.
    WHERE jobs.id = ANY (ARRAY(SELECT id FROM due))
    RETURNING jobs.*
)

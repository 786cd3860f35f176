-- End the jobs that wait for these parents, and those that wait for them in turn: their input will never exist.
-- Called in the transaction in which the parents turned to compensating. A canceled parent cancels them too.
WITH RECURSIVE doomed AS (
    SELECT child.id, parent.cancel_requested_at
    FROM jobs child
    JOIN jobs parent ON parent.id = child.parent_id
    WHERE child.parent_id = ANY (CAST(:parents AS uuid[])) AND child.state = 'waiting'
    UNION ALL
    SELECT child.id, doomed.cancel_requested_at
    FROM jobs child
    JOIN doomed ON child.parent_id = doomed.id
    WHERE child.state = 'waiting'
)
UPDATE jobs
SET state = 'compensating', event = 'parent_failed', actor = 'worker', reason = NULL, seq = seq + 1,
    lease = lease + 1, lease_expires_at = NULL, claimed_by = NULL, due_at = diorama_now(),
    error_code = :error_code, error_message = :error_message,
    cancel_requested_at = coalesce(jobs.cancel_requested_at, doomed.cancel_requested_at)
FROM doomed
WHERE jobs.id = doomed.id
  AND jobs.state = 'waiting'
RETURNING jobs.id

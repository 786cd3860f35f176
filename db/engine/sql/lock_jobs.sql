-- Lock jobs until the transaction ends, in the lock order of jobs, and read their facts.
-- Zero rows: there is no such job.
SELECT id, state, priority, failures, cancel_requested_at IS NOT NULL AS cancel_requested
FROM jobs
WHERE id = ANY (CAST(:jobs AS uuid[]))
ORDER BY id
FOR NO KEY UPDATE

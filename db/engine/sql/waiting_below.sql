-- Lock the jobs that wait for these jobs, directly or, if these failed, also indirectly, and read their facts, parents
-- before children. Called in the transaction that moves their parents.
-- Zero rows: no job waits for them.
WITH RECURSIVE below AS (
    SELECT id FROM jobs WHERE parent_id = ANY (CAST(:failed AS uuid[])) AND state = 'waiting'
    UNION ALL
    SELECT child.id FROM jobs child JOIN below ON child.parent_id = below.id WHERE child.state = 'waiting'
)
SELECT id, parent_id, state, priority, failures, cancel_requested_at IS NOT NULL AS cancel_requested
FROM jobs
WHERE id = ANY (
    ARRAY(SELECT id FROM below)
    || ARRAY(SELECT id FROM jobs WHERE parent_id = ANY (CAST(:ready AS uuid[])) AND state = 'waiting')
)
  AND state = 'waiting'
ORDER BY id
FOR NO KEY UPDATE

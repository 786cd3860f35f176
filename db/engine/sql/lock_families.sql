-- Lock jobs and their families in the lock order of jobs: the ancestors of each, and the jobs that failed because of
-- it. Called before a redrive. Includes the jobs that made the files from which these were requested: they must not be
-- rolled back meanwhile. Returns the jobs, each with its wallet. Zero rows: there are no such jobs.
WITH RECURSIVE above AS (
    SELECT id, parent_id FROM jobs WHERE id = ANY (CAST(:jobs AS uuid[]))
    UNION
    SELECT parent.id, parent.parent_id FROM jobs parent JOIN above ON parent.id = above.parent_id
), below AS (
    SELECT id FROM jobs WHERE id = ANY (CAST(:jobs AS uuid[]))
    UNION
    SELECT child.id FROM jobs child JOIN below ON child.parent_id = below.id
    WHERE child.error_code = 'parent_failed' AND child.state IN ('compensating', 'failed', 'canceled')
), makers AS (
    SELECT maker.id FROM above JOIN job_requests r ON r.job_id = above.id JOIN jobs maker ON maker.output_id = r.input_id
)
SELECT j.id, j.account_id, coalesce(s.user_ref, '') AS user_ref
FROM jobs j
LEFT JOIN sessions s ON s.id = j.session_id
WHERE j.id = ANY (ARRAY(SELECT id FROM above UNION SELECT id FROM below UNION SELECT id FROM makers))
ORDER BY j.id
FOR NO KEY UPDATE OF j

-- Lock generating jobs in the lock order of jobs, so that the sightings of their predictions meet the current state.
-- Called before `sight` in the same transaction. Zero rows: the jobs have moved on.
SELECT id
FROM jobs
WHERE id = ANY (CAST(:job_id AS uuid[]))
  AND state = 'generating'
ORDER BY id
FOR UPDATE

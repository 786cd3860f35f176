-- Read the next stretch of old jobs, with a flag for whether each may be deleted. Called by retention, which continues
-- after the last id. Zero rows: there are none beyond :after.
SELECT job.id, job_may_go(job, CAST(:kept_for AS interval)) AS may_go
FROM jobs job
WHERE job.id > :after
  AND job.id < least_id_at(diorama_now() - CAST(:kept_for AS interval))
ORDER BY job.id
LIMIT :most

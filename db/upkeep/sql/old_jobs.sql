-- Look at the next stretch of old jobs, and tell which of them may go. Called by retention, which goes on after the last.
-- Zero rows: there is none beyond :after.
SELECT job.id, job_may_go(job, CAST(:kept_for AS interval)) AS may_go
FROM jobs job
WHERE job.id > :after
  AND job.id < least_id_at(diorama_now() - CAST(:kept_for AS interval))
ORDER BY job.id
LIMIT :most

-- Delete the rows of old jobs whose objects are gone. Called by retention after deleting them. Also returns the assets
-- they were made from, which may be deleted next. Zero rows: another process deleted them, or a job was redriven.
DELETE FROM jobs AS job
WHERE job.id = ANY (CAST(:ids AS uuid[]))
  AND job_may_go(job, CAST(:kept_for AS interval))
RETURNING job.id, job.parent_id, job.story_id

-- Delete the rows of old jobs whose objects are gone. Called by retention after it deleted them.
-- Returns what they were made from, too, which may go after them. Zero rows: others have, or a job was redriven.
DELETE FROM jobs AS job
WHERE job.id = ANY (CAST(:ids AS uuid[]))
  AND job_may_go(job, CAST(:kept_for AS interval))
RETURNING job.id, job.parent_id, job.story_id

-- Clear the copies of provider outputs whose objects are gone: a redrive then starts with a new submission. Called by
-- retention after deleting them. Zero rows: another process cleared them.
UPDATE attempts
SET source_key = NULL
FROM unnest(CAST(:job_ids AS uuid[]), CAST(:attempts AS integer[]), CAST(:keys AS text[])) AS gone (job_id, attempt, key)
WHERE attempts.job_id = gone.job_id
  AND attempts.attempt = gone.attempt
  AND attempts.source_key = gone.key
RETURNING attempts.job_id

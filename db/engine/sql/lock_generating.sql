-- Hold jobs still, so that what the list says of their predictions is judged by how they stand now. Called before
-- sight in the same transaction, in the order in which everyone locks jobs.
SELECT id
FROM jobs
WHERE id = ANY (CAST(:job_id AS uuid[]))
  AND state = 'generating'
ORDER BY id
FOR UPDATE

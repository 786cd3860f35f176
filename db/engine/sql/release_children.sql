-- Queue the jobs that waited for these parents, in the transaction in which the parents succeeded.
UPDATE jobs
SET state = 'queued', event = 'parent_ready', actor = 'worker', reason = NULL, seq = seq + 1,
    due_at = diorama_now() - (priority + 10) * interval '60 seconds'
WHERE parent_id = ANY (CAST(:parents AS uuid[]))
  AND state = 'waiting'
RETURNING id

-- Read the predictions that are running and can be recognized in the provider's list, newest first. Called by the
-- tracker before a pass. Test jobs are not in that list. Leaves out predictions whose end is already known: their
-- jobs are due.
SELECT j.id AS job_id, a.prediction_id, a.listed_at, a.model, r.duration_s,
       extract(epoch FROM diorama_now() - a.accepted_at)::double precision AS elapsed_s
FROM jobs j
JOIN attempts a ON a.job_id = j.id AND a.attempt = j.attempt
JOIN job_requests r ON r.job_id = j.id
WHERE j.step = 'poll'
  AND j.state <> 'queued'
  AND NOT j.is_test
  AND j.due_at IS NOT NULL
  AND a.status = 'running'
  AND a.prediction_id IS NOT NULL
  AND a.listed_at IS NOT NULL
  AND (a.sighting IS NULL OR NOT (a.sighting -> 'has_ended')::boolean)
ORDER BY a.listed_at DESC

-- What is still to be undone of a job by a worker. Called by the compensate step.
-- `ended` tells that the prediction of the current attempt ended by itself. Zero rows: nothing is left to do.
SELECT a.cycle, a.action, a.keep_key, a.tries, t.completed_at IS NOT NULL AS ended
FROM compensation_actions a
JOIN jobs j ON j.id = a.job_id
LEFT JOIN attempts t ON (t.job_id, t.attempt) = (j.id, j.attempt)
WHERE a.job_id = :job
  AND a.action IN ('cancel_prediction', 'delete_objects')
  AND a.state = 'pending'
ORDER BY a.action

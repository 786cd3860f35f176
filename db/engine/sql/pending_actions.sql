-- Read the actions of a job that a worker must still carry out, each with the submission that it undoes: after a
-- review, that may be an earlier submission than the current one. Called by the compensate step.
-- `ended` says that the prediction has ended. `keep_key` is the object that the job's last cycle keeps, whichever
-- cycle's objects are deleted. Zero rows: nothing is left to do.
SELECT a.cycle, a.attempt, a.action,
       (SELECT last.keep_key FROM compensation_actions last
        WHERE last.job_id = a.job_id AND last.action = 'delete_objects' ORDER BY last.cycle DESC LIMIT 1) AS keep_key,
       a.tries, t.completed_at IS NOT NULL AS ended, t.token, t.model, t.prediction_id, t.started_at
FROM compensation_actions a
LEFT JOIN attempts t ON (t.job_id, t.attempt) = (a.job_id, a.attempt)
WHERE a.job_id = :job
  AND a.action IN ('cancel_prediction', 'delete_objects')
  AND a.state = 'pending'
ORDER BY a.action, a.cycle

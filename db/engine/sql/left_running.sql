-- Read the predictions that may still run although their jobs have ended or moved on: the cancel failed and needs
-- review, or was waived. Called by the orphan search, which cancels and books them, for an hour after the cancel was
-- given up. Zero rows: there is nothing to do, and no call is made.
SELECT t.job_id, t.attempt, t.token, t.picture_url, t.is_traceable, t.model, t.status, t.reserved_micros,
       t.prediction_id AS noted_prediction_id, diorama_now() - t.started_at AS age,
       a.changed_at <= diorama_now() - CAST(:last_after AS interval) AS is_last_search
FROM compensation_actions a
JOIN jobs j ON j.id = a.job_id
JOIN attempts t ON (t.job_id, t.attempt) = (a.job_id, a.attempt)
WHERE a.action = 'cancel_prediction'
  AND a.state IN ('needs_review', 'waived')
  AND t.status = 'running'
  AND j.is_test = :is_test
  AND t.completed_at IS NULL
  -- A job in compensation cancels its own prediction.
  AND j.state <> 'compensating'
  AND NOT (t.attempt = j.attempt AND j.state = 'generating')
ORDER BY t.started_at
LIMIT :limit

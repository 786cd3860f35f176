-- Read the submissions that went on without their jobs: lost ones, and those taken for absent that may come late.
-- Called by the sweeper, ever less often for each: one, two, four ... minutes after it was begun, for an hour, because
-- the provider then removes what it could be recognized by. Zero rows: nothing to look for, and no call is made.
SELECT a.job_id, a.attempt, a.token, a.model, a.status, a.reserved_micros, a.noted_prediction_id, a.started_at,
       a.started_at <= diorama_now() - interval '58 minutes' AS is_last_look
FROM attempts a
JOIN jobs j ON j.id = a.job_id
WHERE a.status IN ('lost', 'absent')
  AND a.completed_at IS NULL
  AND a.started_at > diorama_now() - interval '2 hours'
  AND (a.noted_prediction_id IS NOT NULL
       OR a.started_at <= diorama_now() - least(CAST(:first_after AS interval) * power(2, least(a.looks, 10)), interval '58 minutes'))
  -- The current attempt of a job that is still looking for it is that job's own business.
  AND NOT (a.attempt = j.attempt AND j.state IN ('submitting', 'reconciling'))
ORDER BY a.started_at
LIMIT :limit

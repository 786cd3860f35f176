-- Read the submissions that went on without their jobs: lost ones, and those taken for absent that may come late.
-- Called by the sweeper, ever less often for each: one, two, four ... minutes after it was begun, and for the last time
-- shortly before the provider removes what it could be recognized by. One whose last look was missed, because no
-- sweeper ran, is read however old it is. Zero rows: nothing to look for, and no call is made.
SELECT a.job_id, a.attempt, a.token, a.picture_url, a.is_traceable, a.model, a.status, a.reserved_micros,
       a.noted_prediction_id, diorama_now() - a.started_at AS age,
       a.started_at <= diorama_now() - CAST(:last_after AS interval) AS is_last_search
FROM attempts a
JOIN jobs j ON j.id = a.job_id
WHERE a.status IN ('lost', 'absent')
  AND a.completed_at IS NULL
  AND (a.noted_prediction_id IS NOT NULL
       OR a.started_at <= diorama_now()
                          - least(CAST(:first_after AS interval) * power(2, least(a.looks, 10)),
                                  CAST(:last_after AS interval)))
  -- The current attempt of a job that is still looking for it is that job's own business.
  AND NOT (a.attempt = j.attempt AND j.state IN ('submitting', 'reconciling'))
ORDER BY a.started_at
LIMIT :limit

-- Read the orphans: lost submissions, and those presumed absent that may appear late. Called by the orphan search at
-- growing intervals: one, two, four ... minutes after a submission's start, and for the last time shortly before the
-- provider removes its correlation ids. A submission whose last search was missed, because no process ran it, is read
-- however old it is. Zero rows: there is nothing to search for, and no call is made.
SELECT a.job_id, a.attempt, a.token, a.picture_url, a.is_traceable, a.model, a.status, a.reserved_micros,
       a.noted_prediction_id, diorama_now() - a.started_at AS age,
       a.started_at <= diorama_now() - CAST(:last_after AS interval) AS is_last_search
FROM attempts a
JOIN jobs j ON j.id = a.job_id
WHERE a.status IN ('lost', 'absent')
  AND j.is_test = :is_test
  AND a.completed_at IS NULL
  AND (a.noted_prediction_id IS NOT NULL
       OR a.started_at <= diorama_now()
                          - least(CAST(:first_after AS interval) * power(2, least(a.searches, 10)),
                                  CAST(:last_after AS interval)))
  -- The current attempt of a job that still searches for it is left to that job.
  AND NOT (a.attempt = j.attempt AND j.state IN ('submitting', 'reconciling'))
ORDER BY a.started_at
LIMIT :limit

-- Read the durations of each model's last predictions, by requested video length: of the last day, at most 200 per
-- model. Called periodically for estimates; a model that made nothing has no row.
--   ended_s      however they ended, in order
--   succeeded_s  those that succeeded, in order
--   queued_s     how long jobs that waited for no other had been queued, at the median
--   finishing_s  what storing and transcoding then took, at the median
SELECT a.model, r.duration_s,
       array_agg(a.took_s ORDER BY a.took_s) AS ended_s,
       coalesce(array_agg(a.took_s ORDER BY a.took_s) FILTER (WHERE a.status = 'succeeded'), '{}') AS succeeded_s,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM a.started_at - j.created_at))
           FILTER (WHERE a.attempt = 1 AND j.parent_id IS NULL) AS queued_s,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM j.finished_at - a.completed_at))
           FILTER (WHERE j.state = 'succeeded' AND j.attempt = a.attempt) AS finishing_s
FROM unnest(CAST(:models AS text[])) AS known (model)
CROSS JOIN LATERAL (
    SELECT *
    FROM attempts
    WHERE attempts.model = known.model
      AND took_s IS NOT NULL
      AND completed_at > diorama_now() - interval '1 day'
    ORDER BY completed_at DESC
    LIMIT 200
) AS a
JOIN jobs j ON j.id = a.job_id
JOIN job_requests r ON r.job_id = a.job_id
GROUP BY a.model, r.duration_s
